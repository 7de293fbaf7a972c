//! Self-contained HTML pages.

use std::fmt::{self, Write as _};

use crate::escape::escape;
use crate::{LineChart, NeighborSheet, Png, Table};

/// HTML page in one file: styles, charts and images are part of it. `Display` writes the page.
///
/// Every part is added below those before it. Text is escaped.
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
}

impl Page {
    /// Begins a page with a title.
    #[must_use]
    pub fn new(title: &str) -> Self {
        let title = escape(title);
        Self { body: format!("<h1>{title}</h1>"), title }
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

    /// Adds a table.
    pub fn table(&mut self, table: &Table) -> &mut Self {
        self.push(&table.to_html())
    }

    /// Adds charts side by side, as many in a row as fit the window.
    pub fn charts<'a>(&mut self, charts: impl IntoIterator<Item = &'a LineChart>) -> &mut Self {
        self.push("<div class=charts>");
        for chart in charts {
            let _ = write!(self.body, "<figure>{}</figure>", chart.to_svg());
        }
        self.push("</div>")
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
        self.push(&sheet.to_html())
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
        let Self { title, body } = self;
        writeln!(
            f,
            "<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>\n\
             <meta name=viewport content=\"width=device-width\">\n\
             <style>\n{STYLE}</style><main>{body}</main>"
        )
    }
}

const STYLE: &str = "\
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; }
th, td { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid #8884; }
th:first-child { text-align: left; }
.near td { padding: .1rem; border: 0; }
.near td:first-child { padding-right: 1.2rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); }
figure { margin: .5rem; }
img { image-rendering: pixelated; max-width: 100%; }
pre { overflow-x: auto; padding: .8rem; background: #8882; }
";

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
        assert!(!html.contains("http") && !html.contains("src=") && !html.contains("href="));
    }
}
