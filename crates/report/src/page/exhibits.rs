//! Parts of a page that show the images of its gallery.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use selfsame_metrics::Neighbors;
use serde::Serialize;

use super::Page;
use crate::confusion_chart::Grid;
use crate::escape::escape;
use crate::gallery::Sheet;
use crate::{ConfusionChart, Gallery, Map, ReportError, Scatter};

/// Neighbors that a click on the map shows, at most.
const NEIGHBORS: usize = 24;
/// Images of each confused pair, at most.
const EXAMPLES: usize = 8;

/// Gallery of a page, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Exhibits {
    classes: Vec<String>,
    labels: Vec<Option<usize>>,
    predictions: Vec<Option<usize>>,
    descriptions: Vec<String>,
    sheet: Sheet,
    json: String,
}

/// What the script knows about the images.
#[derive(Serialize)]
struct Data<'a> {
    columns: u32,
    classes: &'a [String],
    names: &'a [String],
    labels: &'a [Option<usize>],
    predictions: &'a [Option<usize>],
}

impl Exhibits {
    pub(super) fn new(gallery: &Gallery) -> Result<Self, ReportError> {
        let sheet = gallery.sheet()?;
        let json = script_json(&Data {
            columns: sheet.columns,
            classes: gallery.classes(),
            names: &gallery.names,
            labels: &gallery.labels,
            predictions: &gallery.predictions,
        });
        Ok(Self {
            classes: gallery.classes().to_vec(),
            labels: gallery.labels.clone(),
            predictions: gallery.predictions.clone(),
            descriptions: (0..gallery.len()).map(|index| gallery.description(index)).collect(),
            sheet,
            json,
        })
    }

    pub(super) fn json(&self) -> &str {
        &self.json
    }

    /// Returns the style of thumbnails: the sheet behind a window of one cell.
    pub(super) fn style(&self) -> String {
        let Sheet { jpeg, cell, columns } = &self.sheet;
        format!(
            ".t{{--columns:{columns};background-image:url(\"data:image/jpeg;base64,{}\")}}{}",
            STANDARD.encode(jpeg),
            if *cell <= 32 { ".t{image-rendering:pixelated}" } else { "" },
        )
    }

    fn class(&self, label: Option<usize>) -> &str {
        label.map_or("", |label| self.classes[label].as_str())
    }

    /// Writes an element that shows an image.
    fn thumbnail(&self, index: usize, class: &str) -> Result<String, ReportError> {
        let images = self.descriptions.len();
        let text = self.descriptions.get(index).ok_or(ReportError::Image { index, images })?;
        let (text, columns) = (escape(text), self.sheet.columns as usize);
        Ok(format!(
            "<i class=\"t{class}\" role=img aria-label=\"{text}\" title=\"{text}\" \
             style=\"--x:{};--y:{}\"></i>",
            index % columns,
            index / columns
        ))
    }
}

impl Page {
    /// Adds the map of the gallery's images, with its trustworthiness. Under the pointer stands the
    /// image; a click shows its nearest `neighbors`, at most 24. Classes can be hidden.
    ///
    /// Row `i` of the map, and query `i` of the neighbors, is image `i` of the gallery.
    ///
    /// # Errors
    /// If the page has no gallery, the numbers of images differ, or a neighbor is none of them.
    pub fn map(&mut self, map: &Map, neighbors: &Neighbors) -> Result<&mut Self, ReportError> {
        let exhibits = self.exhibits.as_ref().ok_or(ReportError::NoGallery)?;
        let images = exhibits.labels.len();
        let count = |what, found| {
            let error = ReportError::Count { what, found, of: "images", expected: images };
            if found == images { Ok(()) } else { Err(error) }
        };
        count("points", map.points.rows())?;
        count("lists of neighbors", neighbors.queries())?;
        let title = format!("{} of {images} images", map.method.name());
        let scatter = Scatter::new(&title, map, &exhibits.labels, &exhibits.classes)?;
        let data = map_data(&scatter, neighbors, images)?;
        let mut html = format!(
            "<figure class=map><div class=plot>{}<div class=tip hidden></div></div>\
             <div class=side><div class=legend>",
            scatter.to_bare_svg()
        );
        for group in scatter.groups() {
            let _ = write!(
                html,
                "<button type=button aria-pressed=true><b style=\"background:{}\"></b>{}</button>",
                group.color,
                escape(&group.name)
            );
        }
        let _ = write!(
            html,
            "</div><div class=detail aria-live=polite><p class=hint>Point at an image to see it, \
             click it to see its nearest neighbors; arrow keys and Enter do the same.</p></div></div>\
             <figcaption>{}</figcaption><script type=\"application/json\">{data}</script></figure>",
            caption(map, &title)
        );
        Ok(self.push(&html))
    }

    /// Adds a sheet of neighbors: each of the `queries` beside its `count` nearest images, those of
    /// another class marked.
    ///
    /// Query `i` of the neighbors is image `i` of the gallery.
    /// [`spread_over_classes`](crate::spread_over_classes) chooses one query of every class.
    ///
    /// # Errors
    /// If the page has no gallery, or an image is not in it.
    pub fn class_neighbors(
        &mut self,
        queries: &[usize],
        neighbors: &Neighbors,
        count: usize,
    ) -> Result<&mut Self, ReportError> {
        let exhibits = self.exhibits.as_ref().ok_or(ReportError::NoGallery)?;
        let mut html = String::from("<div class=scroll><table class=near>");
        for &query in queries {
            let images = neighbors.queries().min(exhibits.labels.len());
            if query >= images {
                return Err(ReportError::Image { index: query, images });
            }
            let label = exhibits.labels[query];
            let _ = write!(
                html,
                "<tr><th>{}<td>{}",
                escape(exhibits.class(label)),
                exhibits.thumbnail(query, "")?
            );
            for &other in neighbors.indices(query).iter().take(count) {
                let other = other as usize;
                let differs = exhibits.labels.get(other).is_some_and(|found| *found != label);
                let class = if differs { " other" } else { "" };
                let _ = write!(html, "<td>{}", exhibits.thumbnail(other, class)?);
            }
        }
        html.push_str("</table></div>");
        Ok(self.push(&html))
    }

    /// Adds the `count` most frequent confusions, each with up to eight of the gallery's images of it.
    ///
    /// # Errors
    /// If the page has no gallery, or one of other classes than the chart's.
    pub fn confused_pairs(
        &mut self,
        chart: &ConfusionChart,
        count: usize,
    ) -> Result<&mut Self, ReportError> {
        let exhibits = self.exhibits.as_ref().ok_or(ReportError::NoGallery)?;
        if chart.names() != exhibits.classes {
            return Err(ReportError::Classes);
        }
        let pairs = chart.most_confused(count);
        if pairs.is_empty() {
            return Ok(self.paragraph("No image was predicted as another class."));
        }
        let mut html = String::from(
            "<div class=scroll><table class=\"near pairs\"><tr><th>true class<th>predicted\
             <th>images<th>examples",
        );
        for (label, prediction, samples) in pairs {
            let names = chart.names();
            let _ = write!(
                html,
                "<tr><th>{}<th>{}<td>{samples} of {}<td class=row>",
                escape(&names[label]),
                escape(&names[prediction]),
                chart.samples(label)
            );
            let pairs = exhibits.labels.iter().zip(&exhibits.predictions).enumerate();
            let shown = pairs.filter(|(_, pair)| *pair == (&Some(label), &Some(prediction)));
            for (index, _) in shown.take(EXAMPLES) {
                html.push_str(&exhibits.thumbnail(index, "")?);
            }
        }
        html.push_str("</table></div>");
        Ok(self.push(&html))
    }
}

/// Writes the confusion of classes with what the script needs to know.
pub(super) fn confusion(chart: &ConfusionChart) -> String {
    #[derive(Serialize)]
    struct Confusion<'a> {
        names: &'a [String],
        counts: &'a [usize],
        left: f64,
        top: f64,
        cell: f64,
        width: f64,
    }
    let Grid { left, top, cell, width, .. } = chart.grid();
    let data = Confusion { names: chart.names(), counts: chart.counts(), left, top, cell, width };
    format!(
        "<figure class=confusion><div class=plot>{}</div><div class=side>\
         <p class=line aria-live=polite></p><div class=detail aria-live=polite></div></div>\
         <script type=\"application/json\">{}</script></figure>",
        chart.to_svg().replacen("<svg ", "<svg tabindex=\"0\" ", 1),
        script_json(&data)
    )
}

fn caption(map: &Map, title: &str) -> String {
    let variance = map.explained.map_or_else(String::new, |[x, y]| {
        format!("; {:.0} % of the variance across, {:.0} % up", 100.0 * x, 100.0 * y)
    });
    format!(
        "{title}; trustworthiness {:.3}, continuity {:.3} at {} neighbors (1 is best, 0.5 as by \
         chance){variance}",
        map.trustworthiness, map.continuity, map.trusted_neighbors
    )
}

/// Places of the points, and the neighbors of each with their distances.
fn map_data(
    scatter: &Scatter,
    neighbors: &Neighbors,
    images: usize,
) -> Result<String, ReportError> {
    #[derive(Serialize)]
    struct Points<'a> {
        points: &'a [[i32; 2]],
        height: i32,
        groups: Vec<&'a [usize]>,
        near: Vec<&'a [u32]>,
        distances: Vec<Vec<f64>>,
    }
    let k = neighbors.k().min(NEIGHBORS);
    let near: Vec<&[u32]> = (0..images).map(|row| &neighbors.indices(row)[..k]).collect();
    if let Some(&index) = near.iter().copied().flatten().find(|&&index| index as usize >= images) {
        return Err(ReportError::Image { index: index as usize, images });
    }
    // Three digits are enough to read.
    let rounded = |distance: &f32| (f64::from(*distance) * 1e3).round() / 1e3;
    let row = |row| neighbors.distances(row)[..k].iter().map(rounded).collect();
    Ok(script_json(&Points {
        points: scatter.points(),
        height: scatter.height(),
        groups: scatter.groups().iter().map(|group| group.rows.as_slice()).collect(),
        near,
        distances: (0..images).map(row).collect(),
    }))
}

/// Writes JSON that no text in it can end.
fn script_json(value: &impl Serialize) -> String {
    // Only maps with keys that are no text, and custom writers, can fail.
    let json = serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned());
    json.replace('<', "\\u003c")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use image::DynamicImage;
    use selfsame_metrics::{Distance, Features, NearestNeighbors};

    use super::*;
    use crate::{GalleryItem, MapConfig, MapMethod};

    /// A gallery of `count` images of two classes, the first of which was predicted throughout.
    fn gallery(count: usize) -> Gallery {
        let mut gallery = Gallery::new(&["cat", "dog"].map(str::to_owned));
        for index in 0..count {
            let image = &DynamicImage::new_rgb8(8, 8);
            let label = Some(index % 2);
            let name = Path::new("x.png");
            gallery.push(GalleryItem { image, name, label, prediction: Some(0) }).unwrap();
        }
        gallery
    }

    fn mapped(rows: u8) -> (Map, Neighbors) {
        let values = (0..rows).flat_map(|row| [f32::from(row) + 1.0, 5.0]).collect();
        let features = Features::new(2, values).unwrap();
        let search = NearestNeighbors::new(&features, Distance::L2).unwrap();
        let config = MapConfig { method: MapMethod::Pca, ..MapConfig::default() };
        (config.map(&features).unwrap(), search.search_others(2).unwrap())
    }

    #[test]
    fn parts_with_images_need_a_gallery_and_only_one() {
        let (map, neighbors) = mapped(4);
        let chart = ConfusionChart::new("t", &["cat".to_owned()], &[1]).unwrap();
        let mut page = Page::new("t");
        assert!(matches!(page.map(&map, &neighbors), Err(ReportError::NoGallery)));
        assert!(matches!(page.class_neighbors(&[0], &neighbors, 1), Err(ReportError::NoGallery)));
        assert!(matches!(page.confused_pairs(&chart, 1), Err(ReportError::NoGallery)));
        page.gallery(&gallery(4)).unwrap();
        assert!(matches!(page.gallery(&gallery(4)), Err(ReportError::SecondGallery)));
        assert!(page.map(&map, &neighbors).is_ok());
        assert!(matches!(page.confused_pairs(&chart, 1), Err(ReportError::Classes)));
    }

    #[test]
    fn maps_and_neighbors_of_other_images_are_refused() {
        let ((map, _), (more, neighbors)) = (mapped(4), mapped(5));
        let mut page = Page::new("t");
        page.gallery(&gallery(4)).unwrap();
        let before = page.clone();
        for map in [&map, &more] {
            let error = page.map(map, &neighbors).unwrap_err();
            assert!(matches!(error, ReportError::Count { found: 5, expected: 4, .. }), "{error}");
        }
        let error = page.class_neighbors(&[4], &neighbors, 2).unwrap_err();
        assert!(matches!(error, ReportError::Image { index: 4, images: 4 }), "{error}");
        assert!(page.class_neighbors(&[3], &neighbors, 2).is_err(), "its neighbor is image 4");
        assert_eq!(page, before, "nothing was added");
    }

    #[test]
    fn neighbors_of_another_class_are_marked() {
        let mut page = Page::new("t");
        page.gallery(&gallery(6)).unwrap();
        page.class_neighbors(&[0], &mapped(6).1, 2).unwrap();
        // Image 1 is a dog, image 2 a cat as the query.
        assert_eq!(page.body.matches("class=\"t other\"").count(), 1);
        assert_eq!(page.body.matches("class=\"t\"").count(), 2);
    }

    #[test]
    fn confused_pairs_show_the_images_of_that_confusion() {
        let mut page = Page::new("t");
        page.gallery(&gallery(6)).unwrap();
        let names = ["cat", "dog"].map(str::to_owned);
        let chart = ConfusionChart::new("t", &names, &[3, 0, 3, 0]).unwrap();
        page.confused_pairs(&chart, 5).unwrap();
        assert!(page.body.contains("<tr><th>dog<th>cat<td>3 of 3"));
        assert_eq!(page.body.matches("x.png, dog, predicted cat\" title").count(), 3);
        let right = ConfusionChart::new("t", &names, &[3, 0, 0, 3]).unwrap();
        page.confused_pairs(&right, 5).unwrap();
        assert!(page.body.ends_with("<p>No image was predicted as another class.</p>"));
    }
}
