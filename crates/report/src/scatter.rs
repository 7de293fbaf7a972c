//! Maps as SVG: a point for each row, in the color of its class.

use std::fmt::Write as _;

use selfsame_metrics::Features;

use crate::bar_chart::shortened;
use crate::colors::color;
use crate::escape::escape;
use crate::{Map, ReportError};

/// Points of a map in the colors of their classes, readable on light and dark pages.
///
/// # Example
/// ```
/// use selfsame_metrics::Features;
/// use selfsame_report::{MapConfig, Scatter};
///
/// let features = Features::new(2, vec![1.0, 0.0, 0.9, 0.1, 0.0, 1.0, 0.1, 0.9, 0.5, 0.5])?;
/// let map = MapConfig::default().map(&features)?;
/// let names = ["cat".to_owned(), "dog".to_owned()];
/// let labels = [Some(0), Some(0), Some(1), Some(1), None];
/// let svg = Scatter::new("my images", &map, &labels, &names).unwrap().to_svg();
/// assert!(svg.contains("my images") && svg.contains(">dog<") && svg.contains(">no label<"));
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Scatter {
    title: String,
    /// In units of the drawing.
    points: Vec<[i32; 2]>,
    /// Height of the drawing, at most its width.
    height: i32,
    /// One for each class, and one for points without.
    groups: Vec<Group>,
}

/// Points of a class.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Group {
    pub(crate) name: String,
    pub(crate) color: String,
    /// Rows of the points.
    pub(crate) rows: Vec<usize>,
}

/// Side of the drawing, and the space around the points.
const SIDE: f64 = 1000.0;
const MARGIN: f64 = 24.0;
/// Up to so many classes, a legend is drawn beside the points.
const LEGEND: usize = 40;

impl Scatter {
    /// Takes the points of a map with their classes; `labels` may be empty if there are none.
    ///
    /// # Errors
    /// If the labels are not as many as the points, or one is not the place of a name.
    pub fn new(
        title: &str,
        map: &Map,
        labels: &[Option<usize>],
        names: &[String],
    ) -> Result<Self, ReportError> {
        let rows = map.points.rows();
        if !labels.is_empty() && labels.len() != rows {
            return Err(ReportError::Count {
                what: "labels",
                found: labels.len(),
                of: "points",
                expected: rows,
            });
        }
        let mut members = vec![Vec::new(); names.len()];
        let mut others = Vec::new();
        for row in 0..rows {
            match labels.get(row).copied().flatten() {
                None => others.push(row),
                Some(label) => members
                    .get_mut(label)
                    .ok_or(ReportError::Class { label, classes: names.len() })?
                    .push(row),
            }
        }
        let name = |(index, rows): (usize, Vec<usize>)| Group {
            name: names[index].clone(),
            color: color(index, names.len()),
            rows,
        };
        let mut groups: Vec<Group> = members.into_iter().enumerate().map(name).collect();
        groups.retain(|group| !group.rows.is_empty());
        if !others.is_empty() {
            let (name, color) = if groups.is_empty() {
                ("all", color(0, 1))
            } else {
                ("no label", "#808080".to_owned())
            };
            groups.push(Group { name: name.to_owned(), color, rows: others });
        }
        let (points, height) = places(&map.points);
        Ok(Self { title: title.to_owned(), points, height, groups })
    }

    pub(crate) fn groups(&self) -> &[Group] {
        &self.groups
    }

    pub(crate) fn points(&self) -> &[[i32; 2]] {
        &self.points
    }

    pub(crate) fn height(&self) -> i32 {
        self.height
    }

    /// Draws the points with a legend as an `svg` element.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let legend = self.groups.len() > 1 && self.groups.len() <= LEGEND;
        let width = if legend { SIDE + 240.0 } else { SIDE };
        let mut svg = self.begin(width, "");
        let _ = write!(
            svg,
            "<text x=\"20\" y=\"-14\" font-size=\"32\" font-weight=\"bold\">{}</text>",
            escape(&self.title)
        );
        self.draw_points(&mut svg);
        if legend {
            let step = (f64::from(self.height) / self.groups.len() as f64).min(40.0);
            for (index, group) in self.groups.iter().enumerate() {
                let y = 30.0 + step * index as f64;
                let _ = write!(
                    svg,
                    "<circle cx=\"{}\" cy=\"{:.0}\" r=\"8\" fill=\"{}\"/>\
                     <text x=\"{}\" y=\"{:.0}\" font-size=\"{:.0}\">{}</text>",
                    SIDE + 12.0,
                    y - 8.0,
                    group.color,
                    SIDE + 28.0,
                    y,
                    (step * 0.8).min(26.0),
                    escape(&shortened(&group.name, 15)),
                );
            }
        }
        svg.push_str("</svg>");
        svg
    }

    /// Draws the points alone, for a page whose script finds them.
    pub(crate) fn to_bare_svg(&self) -> String {
        let mut svg = self.begin(SIDE, " tabindex=\"0\"");
        self.draw_points(&mut svg);
        svg.push_str("</svg>");
        svg
    }

    fn begin(&self, width: f64, attributes: &str) -> String {
        // With a legend there is a title above, too.
        let top = if attributes.is_empty() { -50.0 } else { 0.0 };
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 {top} {width} {}\" role=\"img\" \
             aria-label=\"{}\" font-family=\"sans-serif\" fill=\"currentColor\"{attributes}>",
            f64::from(self.height) - top,
            escape(&self.title)
        )
    }

    /// One path for each class; a point is a line of no length with round ends, as large on a small
    /// screen as on a large one.
    fn draw_points(&self, svg: &mut String) {
        let width = match self.points.len() {
            0..=300 => 9,
            301..=3_000 => 6,
            _ => 4,
        };
        for group in &self.groups {
            let _ = write!(
                svg,
                "<path fill=\"none\" stroke=\"{}\" stroke-width=\"{width}\" stroke-linecap=\"round\" \
                 stroke-opacity=\"0.8\" vector-effect=\"non-scaling-stroke\" d=\"",
                group.color
            );
            for &row in &group.rows {
                let [x, y] = self.points[row];
                let _ = write!(svg, "M{x} {y}h0");
            }
            svg.push_str("\"/>");
        }
    }
}

/// Scales points into the drawing, equally along both axes, and returns its height; y points down.
#[allow(clippy::cast_possible_truncation, reason = "within the drawing")]
fn places(points: &Features) -> (Vec<[i32; 2]>, i32) {
    let coordinate =
        |axis: usize| (0..points.rows()).map(move |row| f64::from(points.row(row)[axis]));
    let range = |axis| {
        let low = coordinate(axis).fold(f64::INFINITY, f64::min);
        (low, coordinate(axis).fold(f64::NEG_INFINITY, f64::max))
    };
    let (x, y) = (range(0), range(1));
    let extent = (x.1 - x.0).max(y.1 - y.0);
    let scale = if extent > 0.0 { (SIDE - 2.0 * MARGIN) / extent } else { 0.0 };
    let height = (scale * (y.1 - y.0) + 2.0 * MARGIN).clamp(0.5 * SIDE, SIDE).round();
    let across = |value: f64| 0.5 * SIDE + scale * (value - f64::midpoint(x.0, x.1));
    let down = |value: f64| 0.5 * height - scale * (value - f64::midpoint(y.0, y.1));
    let pairs = coordinate(0).zip(coordinate(1));
    let places = pairs.map(|(x, y)| [across(x).round() as i32, down(y).round() as i32]);
    (places.collect(), height as i32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MapMethod;

    fn map(points: &[f32]) -> Map {
        Map {
            method: MapMethod::Pca,
            points: Features::new(2, points.to_vec()).unwrap(),
            trustworthiness: 1.0,
            continuity: 1.0,
            trusted_neighbors: 1,
            explained: None,
        }
    }

    #[test]
    fn both_axes_have_one_scale_and_y_points_up() {
        let scatter = Scatter::new("t", &map(&[0.0, 0.0, 2.0, 0.0, 1.0, 0.5]), &[], &[]).unwrap();
        assert_eq!(scatter.points(), [[24, 369], [976, 369], [500, 131]]);
        assert_eq!(scatter.height(), 500, "flat maps keep half of the width");
    }

    #[test]
    fn equal_points_are_in_the_middle() {
        let scatter = Scatter::new("t", &map(&[3.0; 4]), &[], &[]).unwrap();
        assert_eq!(scatter.points(), [[500, 250]; 2]);
    }

    #[test]
    fn labels_that_do_not_fit_are_errors() {
        let map = map(&[0.0; 4]);
        let label = [Some(0)];
        assert!(matches!(
            Scatter::new("t", &map, &label, &[]),
            Err(ReportError::Count { found: 1, expected: 2, .. })
        ));
        let labels = [Some(0), Some(1)];
        assert!(matches!(
            Scatter::new("t", &map, &labels, &["a".into()]),
            Err(ReportError::Class { label: 1, classes: 1 })
        ));
    }
}
