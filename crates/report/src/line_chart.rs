//! Line charts as SVG, for pages that fetch nothing.

use crate::axes::{Axes, Axis, Corner, HEIGHT, Scale, WIDTH, begin, draw_legend};
use crate::colors::color;

/// Line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Name in the legend, which a chart of a single line does not have.
    pub name: String,
    /// Points `(x, y)`; those that are not finite are omitted.
    pub points: Vec<(f64, f64)>,
}

/// Chart of lines over a common x axis, readable on light and dark pages.
///
/// # Example
/// ```
/// use selfsame_report::{LineChart, Series};
///
/// let loss = Series { name: "loss".into(), points: vec![(1.0, 5.0), (2.0, 4.0)] };
/// let [title, x_label] = ["loss & co", "epoch"].map(str::to_owned);
/// let chart = LineChart { title, x_label, series: vec![loss] };
/// let svg = chart.to_svg();
/// assert!(svg.starts_with("<svg") && svg.contains("loss &amp; co"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct LineChart {
    /// Title above the chart.
    pub title: String,
    /// Label below the x axis.
    pub x_label: String,
    /// Lines, drawn in this order.
    pub series: Vec<Series>,
}

impl LineChart {
    /// Draws the chart as an `svg` element.
    #[must_use]
    pub fn to_svg(&self) -> String {
        draw(&self.title, &self.x_label, &self.series, Scale::Linear)
    }
}

/// Draws lines, with y on `scale`.
pub(crate) fn draw(title: &str, x_label: &str, series: &[Series], scale: Scale) -> String {
    let points = || series.iter().flat_map(|series| finite(&series.points));
    let axes = Axes {
        x: Axis::over(points().map(|(x, _)| x), Scale::Linear),
        y: Axis::over(points().map(|(_, y)| y), scale),
    };
    let mut svg = begin(WIDTH, HEIGHT, title);
    axes.draw(&mut svg, x_label);
    for (index, line) in series.iter().enumerate() {
        let color = color(index, series.len());
        axes.draw_line(&mut svg, &line.points, &color);
        if series.len() > 1 {
            draw_legend(&mut svg, &line.name, index, &color, Corner::Right);
        }
    }
    svg.push_str("</svg>");
    svg
}

fn finite(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> {
    points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_constant_and_broken_series_still_make_a_chart() {
        let points = [vec![], vec![(1.0, 2.0)], vec![(f64::NAN, 1.0), (2.0, f64::INFINITY)]];
        for points in points {
            let series = vec![Series { name: "a".into(), points }];
            for scale in [Scale::Linear, Scale::Log] {
                let svg = draw("t", "x", &series, scale);
                assert!(
                    svg.ends_with("</svg>") && !svg.contains("NaN") && !svg.contains("inf"),
                    "{svg}"
                );
            }
        }
    }
}
