//! Confusion of classes as a chart.

use std::fmt::Write as _;

use crate::ReportError;
use crate::bar_chart::shortened;
use crate::colors::color;
use crate::escape::escape;

/// Counts of samples by true class (row) and predicted class (column), as a colored square each.
///
/// The color is the share of the row. Up to 30 classes, the squares hold their counts and the names
/// stand beside them.
///
/// # Example
/// ```
/// use selfsame_report::ConfusionChart;
///
/// let names = ["cat".to_owned(), "dog".to_owned()];
/// let chart = ConfusionChart::new("confusion", &names, &[8, 2, 1, 9])?;
/// assert!(chart.to_svg().contains("2 of 10 cat predicted as dog"));
/// assert!(ConfusionChart::new("confusion", &names, &[8, 2]).is_err());
/// # Ok::<(), selfsame_report::ReportError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfusionChart {
    title: String,
    names: Vec<String>,
    counts: Vec<usize>,
}

/// Width of the drawing.
const WIDTH: f64 = 420.0;
/// Up to so many classes, names and counts are written.
const WRITTEN: usize = 30;

/// Where the squares are, in units of the drawing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Grid {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) cell: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl ConfusionChart {
    /// Takes the counts row by row: `counts[true × classes + predicted]`.
    ///
    /// # Errors
    /// If there are no classes, or not a count for each pair of them.
    pub fn new(title: &str, names: &[String], counts: &[usize]) -> Result<Self, ReportError> {
        let classes = names.len();
        if classes == 0 || classes.checked_mul(classes) != Some(counts.len()) {
            return Err(ReportError::Count {
                what: "counts",
                found: counts.len(),
                of: "pairs of classes",
                expected: classes.saturating_mul(classes),
            });
        }
        Ok(Self { title: title.to_owned(), names: names.to_vec(), counts: counts.to_vec() })
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    pub(crate) fn counts(&self) -> &[usize] {
        &self.counts
    }

    /// Number of samples of a class.
    pub(crate) fn samples(&self, label: usize) -> usize {
        let classes = self.names.len();
        self.counts[label * classes..][..classes].iter().sum()
    }

    /// Returns the `count` most frequent confusions as `(true class, predicted class, samples)`, most
    /// frequent first; among equal ones, that of the lower class.
    ///
    /// # Example
    /// ```
    /// use selfsame_report::ConfusionChart;
    ///
    /// let names = ["a", "b"].map(str::to_owned);
    /// let chart = ConfusionChart::new("confusion", &names, &[5, 1, 3, 4])?;
    /// assert_eq!(chart.most_confused(9), [(1, 0, 3), (0, 1, 1)]);
    /// # Ok::<(), selfsame_report::ReportError>(())
    /// ```
    #[must_use]
    pub fn most_confused(&self, count: usize) -> Vec<(usize, usize, usize)> {
        let classes = self.names.len();
        let cells = self.counts.iter().enumerate();
        let cells = cells.map(|(cell, &samples)| (cell / classes, cell % classes, samples));
        let mut pairs: Vec<_> = cells.filter(|(t, p, samples)| t != p && *samples > 0).collect();
        // Stable, so that equal ones keep the order of the classes.
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.2));
        pairs.truncate(count);
        pairs
    }

    pub(crate) fn grid(&self) -> Grid {
        let classes = self.names.len();
        // The names of the columns are tilted, and the last one needs space at its right.
        let (left, top, right) =
            if classes <= WRITTEN { (92.0, 92.0, 32.0) } else { (24.0, 44.0, 4.0) };
        let side = WIDTH - left - right;
        let cell = side / classes as f64;
        Grid { left, top, cell, width: WIDTH, height: top + side + 4.0 }
    }

    /// Draws the chart as an `svg` element.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let Grid { left, top, cell, width, height } = self.grid();
        let title = escape(&self.title);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\" \
             font-family=\"sans-serif\" font-size=\"10\" fill=\"currentColor\">\
             <title>{title}</title>\
             <text x=\"6\" y=\"16\" font-size=\"13\" font-weight=\"bold\">{title}</text>\
             <text x=\"6\" y=\"{:.1}\" font-size=\"10\" opacity=\"0.7\">true ↓ predicted →</text>",
            if self.names.len() <= WRITTEN { 30.0 } else { 34.0 }
        );
        if self.names.len() <= WRITTEN {
            self.draw_names(&mut svg);
        }
        let side = cell * self.names.len() as f64;
        let _ = write!(
            svg,
            "<rect x=\"{left}\" y=\"{top}\" width=\"{side:.1}\" height=\"{side:.1}\" fill=\"none\" \
             stroke=\"currentColor\" stroke-opacity=\"0.25\"/>"
        );
        for label in 0..self.names.len() {
            self.draw_row(&mut svg, label);
        }
        svg.push_str("</svg>");
        svg
    }

    fn draw_names(&self, svg: &mut String) {
        let Grid { left, top, cell, .. } = self.grid();
        for (index, name) in self.names.iter().enumerate() {
            let middle = (index as f64 + 0.5) * cell;
            let name = escape(&shortened(name, 14));
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>\
                 <text transform=\"translate({:.1} {:.1}) rotate(-60)\">{name}</text>",
                left - 5.0,
                top + middle + 3.5,
                left + middle + 2.0,
                top - 5.0,
            );
        }
    }

    fn draw_row(&self, svg: &mut String, label: usize) {
        let Grid { left, top, cell, .. } = self.grid();
        let classes = self.names.len();
        let samples = self.samples(label);
        let y = top + label as f64 * cell;
        for (prediction, &count) in self.counts[label * classes..][..classes].iter().enumerate() {
            if count == 0 {
                continue;
            }
            let share = count as f64 / samples as f64;
            let x = left + prediction as f64 * cell;
            let fill = color(usize::from(label != prediction), 2);
            let _ = write!(
                svg,
                "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{cell:.1}\" height=\"{cell:.1}\" \
                 fill=\"{fill}\" fill-opacity=\"{:.3}\"><title>{count} of {samples} {} predicted as \
                 {}</title></rect>",
                0.06 + 0.69 * share.sqrt(),
                escape(&self.names[label]),
                escape(&self.names[prediction]),
            );
            if classes <= WRITTEN {
                let size = (cell * 0.38).min(12.0);
                let _ = write!(
                    svg,
                    "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{size:.1}\" text-anchor=\"middle\" \
                     pointer-events=\"none\">{count}</text>",
                    x + 0.5 * cell,
                    y + 0.5 * cell + 0.36 * size,
                );
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|class| format!("class {class}")).collect()
    }

    #[test]
    fn only_pairs_that_occur_are_drawn() {
        let chart = ConfusionChart::new("t", &names(3), &[4, 0, 1, 0, 0, 0, 0, 2, 0]).unwrap();
        let svg = chart.to_svg();
        assert_eq!(svg.matches("fill-opacity").count(), 3);
        assert!(svg.contains("2 of 2 class 2 predicted as class 1"));
        assert_eq!(chart.most_confused(1), [(2, 1, 2)]);
        assert!(!svg.contains("NaN"), "a class without samples divides by nothing");
    }

    #[test]
    fn many_classes_have_no_text_in_their_squares() {
        let chart = ConfusionChart::new("t", &names(100), &vec![1; 10_000]).unwrap();
        let svg = chart.to_svg();
        assert_eq!(svg.matches("<text").count(), 2);
        assert!(svg.len() < 2_000_000, "{}", svg.len());
    }

    #[test]
    fn no_classes_are_an_error() {
        let error = ConfusionChart::new("t", &[], &[]).unwrap_err().to_string();
        assert!(error.contains("0 counts"), "{error}");
    }
}
