//! Spectrum of a covariance as a chart.

use crate::axes::Scale;
use crate::{Series, line_chart};

/// Eigenvalues of a covariance, largest first, on a logarithmic axis.
///
/// A line that falls steeply is that of features which use few directions.
///
/// # Example
/// ```
/// use selfsame_report::SpectrumChart;
///
/// let chart = SpectrumChart {
///     title: "covariance".into(),
///     spectra: vec![("SimCLR".into(), vec![4.0, 1.0, 0.01, 0.0])],
/// };
/// let svg = chart.to_svg();
/// // Four orders of magnitude would need a tick at 0.001; the eigenvalue of 0 has no place.
/// assert!(svg.contains(">0.01<") && !svg.contains("1e-3"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct SpectrumChart {
    /// Title above the chart.
    pub title: String,
    /// Name and eigenvalues of each encoder. Those of 0 are omitted.
    pub spectra: Vec<(String, Vec<f64>)>,
}

impl SpectrumChart {
    /// Draws the chart as an `svg` element.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let line = |(name, values): &(String, Vec<f64>)| {
            let points = values.iter().enumerate().filter(|(_, value)| **value > 0.0);
            let points = points.map(|(index, value)| (index as f64 + 1.0, *value)).collect();
            Series { name: name.clone(), points }
        };
        let series: Vec<Series> = self.spectra.iter().map(line).collect();
        line_chart::draw(&self.title, "eigenvalue, largest first", &series, Scale::Log)
    }
}
