//! Accuracy with few labels, with intervals: a table and a chart.

use std::fmt::Write as _;

use crate::axes::{Axes, Axis, Corner, HEIGHT, Scale, WIDTH, begin, draw_legend};
use crate::colors::color;
use crate::{ReportError, Table};

/// Mean of several label samples, with its confidence interval; shares, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Mean over the samples.
    pub mean: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval; equal to `low` if there is no interval, as for a single sample.
    pub high: f64,
}

impl Estimate {
    fn text(self) -> String {
        let [mean, low, high] = [self.mean, self.low, self.high].map(|share| 100.0 * share);
        if high > low {
            format!("{mean:.1} % [{low:.1}, {high:.1}]")
        } else {
            format!("{mean:.1} %")
        }
    }
}

/// Accuracies by number of labels and by read-out.
///
/// # Example
/// ```
/// use selfsame_report::{Estimate, FewLabels};
///
/// let mut few = FewLabels::new(["linear probe", "nearest class mean"]);
/// let probe = Estimate { mean: 0.5, low: 0.45, high: 0.55 };
/// few.row("1 per class", 10, [Some(probe), None])?;
/// assert_eq!(few.table().to_string().lines().last(), Some("1 per class  50.0 % [45.0, 55.0]                   –"));
/// assert!(few.row("2 per class", 20, [None]).is_err(), "two read-outs");
/// # Ok::<(), selfsame_report::ReportError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct FewLabels {
    readouts: Vec<String>,
    rows: Vec<Row>,
}

#[derive(Clone, Debug, PartialEq)]
struct Row {
    name: String,
    labels: usize,
    estimates: Vec<Option<Estimate>>,
}

impl FewLabels {
    /// Begins with the names of the read-outs, such as the linear probe.
    #[must_use]
    pub fn new<'a>(readouts: impl IntoIterator<Item = &'a str>) -> Self {
        Self { readouts: readouts.into_iter().map(str::to_owned).collect(), rows: Vec::new() }
    }

    /// Adds the accuracy of every read-out with `labels` labels in all, which `name` names in the
    /// table; `None` for one that was not measured.
    ///
    /// # Errors
    /// If there are not as many estimates as read-outs, or an estimate is not finite.
    pub fn row(
        &mut self,
        name: &str,
        labels: usize,
        estimates: impl IntoIterator<Item = Option<Estimate>>,
    ) -> Result<&mut Self, ReportError> {
        let estimates: Vec<Option<Estimate>> = estimates.into_iter().collect();
        if estimates.len() != self.readouts.len() {
            return Err(ReportError::Count {
                what: "estimates",
                found: estimates.len(),
                of: "read-outs",
                expected: self.readouts.len(),
            });
        }
        let values = estimates.iter().flatten().flat_map(|e| [e.mean, e.low, e.high]);
        if values.into_iter().any(|value| !value.is_finite()) {
            return Err(ReportError::NotFinite { what: format!("an accuracy with {name}") });
        }
        self.rows.push(Row { name: name.to_owned(), labels, estimates });
        Ok(self)
    }

    /// Returns the table: the mean in percent, and the ends of the interval.
    #[must_use]
    pub fn table(&self) -> Table {
        let header = ["labels"].into_iter().chain(self.readouts.iter().map(String::as_str));
        let mut table = Table::new(header);
        for row in &self.rows {
            let text = |e: &Option<Estimate>| e.map_or_else(|| "–".to_owned(), Estimate::text);
            let cells: Vec<String> = row.estimates.iter().map(text).collect();
            table.row([row.name.as_str()].into_iter().chain(cells.iter().map(String::as_str)));
        }
        table
    }

    /// Draws accuracy in percent by number of labels, on a logarithmic axis, as an `svg` element; a
    /// vertical stroke is the interval.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let rows = || self.rows.iter().filter(|row| row.estimates.iter().any(Option::is_some));
        let shares = || rows().flat_map(|row| row.estimates.iter().flatten());
        let axes = Axes {
            x: Axis::over(rows().map(|row| row.labels as f64), Scale::Log),
            y: Axis::over(
                shares().flat_map(|e| [e.low, e.mean, e.high]).map(|s| 100.0 * s),
                Scale::Linear,
            ),
        };
        let mut svg = begin(WIDTH, HEIGHT, "accuracy in percent");
        axes.draw(&mut svg, "labels");
        for (index, name) in self.readouts.iter().enumerate() {
            let color = color(index, self.readouts.len());
            let measured = self.rows.iter().filter_map(|row| {
                row.estimates[index].filter(|_| row.labels > 0).map(|e| (row.labels as f64, e))
            });
            let measured: Vec<(f64, Estimate)> = measured.collect();
            // Beside each other, so that no interval hides another.
            let shift = 5.0 * (index as f64 - 0.5 * (self.readouts.len() - 1) as f64);
            let _ = write!(svg, "<g transform=\"translate({shift} 0)\">");
            for (labels, estimate) in measured.iter().filter(|(_, e)| e.high > e.low) {
                let (across, low) = axes.position((*labels, 100.0 * estimate.low));
                let (_, high) = axes.position((*labels, 100.0 * estimate.high));
                let _ = write!(
                    svg,
                    "<path d=\"M{across:.1} {low:.1}V{high:.1}\" stroke=\"{color}\" \
                     stroke-width=\"4\" stroke-opacity=\"0.5\"/>"
                );
            }
            let line: Vec<_> = measured.iter().map(|(x, e)| (*x, 100.0 * e.mean)).collect();
            axes.draw_line(&mut svg, &line, &color);
            svg.push_str("</g>");
            draw_legend(&mut svg, name, index, &color, Corner::Left);
        }
        svg.push_str("</svg>");
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(mean: f64) -> Estimate {
        Estimate { mean, low: mean - 0.02, high: mean + 0.02 }
    }

    #[test]
    fn every_interval_is_a_stroke_and_gaps_are_omitted() {
        let mut few = FewLabels::new(["probe", "kNN"]);
        few.row("1", 10, [Some(estimate(0.3)), None]).unwrap();
        few.row("10", 100, [Some(estimate(0.5)), Some(estimate(0.4))]).unwrap();
        few.row("none", 0, [Some(estimate(0.1)), None]).unwrap();
        let svg = few.to_svg();
        assert_eq!(svg.matches("<path").count(), 3);
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert_eq!(few.table().to_string().lines().count(), 4);
    }

    #[test]
    fn without_rows_there_is_still_a_chart() {
        let svg = FewLabels::new(["probe"]).to_svg();
        assert!(svg.ends_with("</svg>") && !svg.contains("NaN"));
    }

    #[test]
    fn an_accuracy_that_is_not_finite_is_refused_with_its_row() {
        let mut few = FewLabels::new(["probe"]);
        let error = few.row("5 per class", 50, [Some(estimate(f64::NAN))]).unwrap_err();
        assert!(error.to_string().contains("5 per class"), "{error}");
    }
}
