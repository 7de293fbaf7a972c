//! Self-contained HTML pages.

mod exhibits;

use std::fmt::{self, Write as _};

use self::exhibits::Exhibits;
use crate::escape::escape;
use crate::{
    BarChart, ConfusionChart, FewLabels, Gallery, HealthCard, LineChart, NeighborSheet, Png,
    ReportError, Scatter, SpectrumChart, Table,
};

/// HTML page in one file: styles, charts and images are part of it. `Display` writes the page.
///
/// Every part is added below those before it. Text is escaped. The page is light or dark as the
/// reader's system is, readable on a phone, and complete without its script, which adds what
/// happens under the pointer.
///
/// # Example
/// ```
/// use selfsame_report::Page;
///
/// let mut page = Page::new("Cats & dogs");
/// page.paragraph("no labels, <b>many</b> images");
/// let html = page.to_string();
/// assert!(html.starts_with("<!doctype html>"));
/// assert!(html.contains("<h1>Cats &amp; dogs</h1>"));
/// assert!(html.contains("<p>no labels, &lt;b&gt;many&lt;/b&gt; images</p>"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    title: String,
    body: String,
    exhibits: Option<Exhibits>,
    /// Whether a part reacts to the pointer.
    interactive: bool,
}

impl Page {
    /// Begins a page with a title.
    #[must_use]
    pub fn new(title: &str) -> Self {
        let title = escape(title);
        let body = format!("<h1>{title}</h1>");
        Self { title, body, exhibits: None, interactive: false }
    }

    /// Adds a heading of a section.
    pub fn heading(&mut self, text: &str) -> &mut Self {
        self.element("h2", text)
    }

    /// Adds a paragraph of text.
    pub fn paragraph(&mut self, text: &str) -> &mut Self {
        self.element("p", text)
    }

    /// Adds text whose line breaks and spaces are kept, such as settings.
    pub fn preformatted(&mut self, text: &str) -> &mut Self {
        self.element("pre", text)
    }

    /// Adds a table; where it is wider than the window, it scrolls by itself.
    pub fn table(&mut self, table: &Table) -> &mut Self {
        self.push(&format!("<div class=scroll>{}</div>", table.to_html()))
    }

    /// Adds charts side by side, as many in a row as fit the window.
    pub fn charts<'a>(&mut self, charts: impl IntoIterator<Item = &'a LineChart>) -> &mut Self {
        self.push("<div class=charts>");
        for chart in charts {
            self.figure(&chart.to_svg());
        }
        self.push("</div>")
    }

    /// Adds the spectra of covariances.
    pub fn spectrum(&mut self, chart: &SpectrumChart) -> &mut Self {
        self.push("<div class=charts>").figure(&chart.to_svg()).push("</div>")
    }

    /// Adds bars of shares, such as the accuracy of each class.
    pub fn bars(&mut self, chart: &BarChart) -> &mut Self {
        self.push("<div class=charts>").figure(&chart.to_svg()).push("</div>")
    }

    /// Adds accuracies with few labels as a table, and as a chart with their intervals.
    ///
    /// # Example
    /// ```
    /// use selfsame_report::{Estimate, FewLabels, Page};
    ///
    /// let mut few = FewLabels::new(["linear probe"]);
    /// few.row("1 per class", 10, [Some(Estimate { mean: 0.5, low: 0.45, high: 0.55 })])?;
    /// let html = Page::new("Few labels").few_labels(&few).to_string();
    /// assert!(html.contains("50.0 % [45.0, 55.0]") && html.contains("<svg"));
    /// # Ok::<(), selfsame_report::ReportError>(())
    /// ```
    pub fn few_labels(&mut self, few: &FewLabels) -> &mut Self {
        self.table(&few.table());
        self.push("<div class=charts>").figure(&few.to_svg()).push("</div>")
    }

    /// Adds a verdict on the health of features.
    pub fn health(&mut self, card: &HealthCard) -> &mut Self {
        self.push(&card.to_html())
    }

    /// Adds a map without images; [`map`](Self::map) shows them.
    pub fn scatter(&mut self, scatter: &Scatter) -> &mut Self {
        self.push("<div class=charts>").figure(&scatter.to_svg()).push("</div>")
    }

    /// Adds an image, described by `alt` to those who cannot see it.
    ///
    /// # Example
    /// ```
    /// use image::RgbImage;
    /// use selfsame_report::{Page, Png};
    ///
    /// let mut page = Page::new("Views");
    /// page.image(&Png::encode(&RgbImage::new(2, 2))?, "two \"views\"");
    /// let html = page.to_string();
    /// assert!(html.contains("<img alt=\"two &quot;views&quot;\" src=\"data:image/png;base64,"));
    /// # Ok::<(), selfsame_report::ReportError>(())
    /// ```
    pub fn image(&mut self, png: &Png, alt: &str) -> &mut Self {
        self.push(&png.element(&escape(alt)))
    }

    /// Adds a sheet of nearest neighbors, one query per row.
    pub fn neighbors(&mut self, sheet: &NeighborSheet) -> &mut Self {
        self.push(&format!("<div class=scroll>{}</div>", sheet.to_html()))
    }

    /// Stores images in the page, for the parts that show them: [`map`](Self::map),
    /// [`class_neighbors`](Self::class_neighbors), [`confusion`](Self::confusion) and
    /// [`confused_pairs`](Self::confused_pairs). It adds nothing to see by itself.
    ///
    /// # Errors
    /// If the page has a gallery already, or the images cannot be encoded.
    pub fn gallery(&mut self, gallery: &Gallery) -> Result<&mut Self, ReportError> {
        if self.exhibits.is_some() {
            return Err(ReportError::SecondGallery);
        }
        self.exhibits = Some(Exhibits::new(gallery)?);
        Ok(self)
    }

    /// Adds the confusion of classes. Under the pointer stands the count in words; a click shows the
    /// gallery's images of that confusion.
    ///
    /// # Example
    /// ```
    /// use selfsame_report::{ConfusionChart, Page};
    ///
    /// let names = ["cat", "dog"].map(str::to_owned);
    /// let chart = ConfusionChart::new("validation images", &names, &[8, 2, 1, 9])?;
    /// let html = Page::new("Confusion").confusion(&chart).to_string();
    /// assert!(html.contains("<figure class=confusion>"));
    /// # Ok::<(), selfsame_report::ReportError>(())
    /// ```
    pub fn confusion(&mut self, chart: &ConfusionChart) -> &mut Self {
        self.interactive = true;
        self.push(&exhibits::confusion(chart))
    }

    fn figure(&mut self, svg: &str) -> &mut Self {
        let _ = write!(self.body, "<figure>{svg}</figure>");
        self
    }

    fn element(&mut self, tag: &str, text: &str) -> &mut Self {
        self.push(&format!("<{tag}>{}</{tag}>", escape(text)))
    }

    fn push(&mut self, html: &str) -> &mut Self {
        self.body.push_str(html);
        self
    }
}

impl fmt::Display for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { title, body, exhibits, interactive } = self;
        write!(
            f,
            "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>\n\
             <meta name=viewport content=\"width=device-width\">\n\
             <link rel=icon href=\"data:,\">\n<style>\n{STYLE}</style>\n"
        )?;
        if let Some(exhibits) = exhibits {
            writeln!(f, "<style>{}</style>", exhibits.style())?;
        }
        writeln!(f, "<main>{body}</main>")?;
        if *interactive || exhibits.is_some() {
            let json = exhibits.as_ref().map_or("null", Exhibits::json);
            writeln!(f, "<script type=\"application/json\" id=gallery>{json}</script>")?;
            writeln!(f, "<script>\n{SCRIPT}</script>")?;
        }
        Ok(())
    }
}

const STYLE: &str = include_str!("page/page.css");
const SCRIPT: &str = include_str!("page/page.js");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Series;

    const HOSTILE: &str = "</title><script>alert('x' && \"y\")</script>";

    #[test]
    fn text_from_outside_adds_no_elements_wherever_it_stands() {
        let mut table = Table::new([HOSTILE]);
        table.row([HOSTILE]);
        let series = |points| Series { name: HOSTILE.into(), points };
        let chart = LineChart {
            title: HOSTILE.into(),
            x_label: HOSTILE.into(),
            series: vec![series(vec![(0.0, 1.0)]), series(vec![(1.0, 1.0)])],
        };
        let png = Png::encode(&image::RgbImage::new(1, 1)).unwrap();
        let mut page = Page::new(HOSTILE);
        page.heading(HOSTILE).paragraph(HOSTILE).preformatted(HOSTILE);
        page.table(&table).charts([&chart]).image(&png, HOSTILE);
        let html = page.to_string();
        assert!(!html.contains("<script"), "{html}");
        assert_eq!(html.matches("</title>").count(), 2, "the page's and the chart's own");
        assert_eq!(html.matches("&lt;script&gt;").count(), 13);
    }

    #[test]
    fn a_page_fetches_nothing() {
        let mut page = Page::new("t");
        page.charts(&[LineChart { title: "c".into(), x_label: "x".into(), series: Vec::new() }]);
        let html = page.to_string().replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        assert!(!html.contains("http") && !html.contains("src="));
        assert_eq!(html.matches("href=").count(), html.matches("href=\"data:,\"").count());
    }
}
