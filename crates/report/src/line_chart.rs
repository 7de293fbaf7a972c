//! Line charts as SVG, for pages that fetch nothing.

use std::fmt::Write as _;

use crate::escape::escape;

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

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 240.0;
/// Space for the labels of the axes.
const LEFT: f64 = 56.0;
const TOP: f64 = 28.0;
const RIGHT: f64 = 12.0;
const BOTTOM: f64 = 36.0;
/// Colors that people with any kind of color vision can tell apart (Okabe & Ito, 2008).
const COLORS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

impl LineChart {
    /// Draws the chart as an `svg` element.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let points = || self.series.iter().flat_map(|series| finite(&series.points));
        let axes = Axes {
            x: Axis::over(points().map(|(x, _)| x)),
            y: Axis::over(points().map(|(_, y)| y)),
        };
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             role=\"img\" font-family=\"sans-serif\" font-size=\"11\" fill=\"currentColor\">\
             <title>{0}</title>\
             <text x=\"{LEFT}\" y=\"16\" font-size=\"13\" font-weight=\"bold\">{0}</text>",
            escape(&self.title)
        );
        axes.draw(&mut svg, &self.x_label);
        for (index, series) in self.series.iter().enumerate() {
            let color = COLORS[index % COLORS.len()];
            axes.draw_line(&mut svg, &series.points, color);
            if self.series.len() > 1 {
                draw_legend(&mut svg, &series.name, index, color);
            }
        }
        svg.push_str("</svg>");
        svg
    }
}

fn draw_legend(svg: &mut String, name: &str, index: usize, color: &str) {
    let _ = write!(
        svg,
        "<text x=\"{}\" y=\"{}\" text-anchor=\"end\" fill=\"{color}\">{}</text>",
        WIDTH - RIGHT - 4.0,
        TOP + 6.0 + 14.0 * index as f64,
        escape(name)
    );
}

fn finite(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> {
    points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite())
}

/// Both axes of a chart.
struct Axes {
    x: Axis,
    y: Axis,
}

impl Axes {
    /// Converts a point to SVG coordinates, whose y points down.
    fn position(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let across = LEFT + self.x.share(x) * (WIDTH - LEFT - RIGHT);
        let down = HEIGHT - BOTTOM - self.y.share(y) * (HEIGHT - TOP - BOTTOM);
        (across, down)
    }

    fn draw(&self, svg: &mut String, x_label: &str) {
        for tick in self.y.ticks() {
            let (_, down) = self.position((self.x.low, tick));
            let _ = write!(
                svg,
                "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{down:.1}\" y2=\"{down:.1}\" \
                 stroke=\"currentColor\" stroke-opacity=\"0.15\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                down + 4.0,
                self.y.text(tick),
            );
        }
        for tick in self.x.ticks() {
            let (across, _) = self.position((tick, self.y.low));
            draw_below(svg, &format!("{across:.1}"), HEIGHT - BOTTOM + 15.0, &self.x.text(tick));
        }
        let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
        draw_below(svg, &middle.to_string(), HEIGHT - 5.0, &escape(x_label));
    }

    fn draw_line(&self, svg: &mut String, points: &[(f64, f64)], color: &str) {
        let path: Vec<String> = finite(points)
            .map(|point| self.position(point))
            .map(|(across, down)| format!("{across:.1},{down:.1}"))
            .collect();
        let _ = write!(
            svg,
            "<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" points=\"{}\"/>",
            path.join(" ")
        );
    }
}

/// Draws text below the chart, centered at `across`.
fn draw_below(svg: &mut String, across: &str, down: f64, text: &str) {
    let _ = write!(svg, "<text x=\"{across}\" y=\"{down}\" text-anchor=\"middle\">{text}</text>");
}

/// Range of values, with round ticks in it.
struct Axis {
    low: f64,
    high: f64,
    step: f64,
}

impl Axis {
    fn over(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        let (low, high) = match (low.is_finite(), low < high) {
            (false, _) => (0.0, 1.0),
            (true, true) => (low, high),
            (true, false) => (low - 0.5 * low.abs().max(1.0), low + 0.5 * low.abs().max(1.0)),
        };
        let rough = (high - low) / 4.0;
        let power = 10.0_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
        let step = step.into_iter().find(|step| *step >= rough).unwrap_or(10.0 * power);
        Self { low, high, step }
    }

    fn share(&self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low)
    }

    fn ticks(&self) -> Vec<f64> {
        let first = (self.low / self.step - 1e-9).ceil();
        let ticks = (0..12).map(|n| (first + f64::from(n)) * self.step);
        ticks.take_while(|tick| *tick <= self.high + self.step * 1e-9).collect()
    }

    fn text(&self, tick: f64) -> String {
        let digits = (-self.step.log10().floor()).clamp(0.0, 9.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 9")]
        let digits = digits as usize;
        format!("{tick:.digits$}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let axis = Axis::over([0.03, 0.97].into_iter());
        assert_eq!(axis.ticks().iter().map(|t| axis.text(*t)).collect::<Vec<_>>(), ["0.5"]);
        let axis = Axis::over([1.0, 12.0].into_iter());
        assert_eq!(axis.ticks().iter().map(|t| axis.text(*t)).collect::<Vec<_>>(), ["5", "10"]);
    }

    #[test]
    fn empty_constant_and_broken_series_still_make_a_chart() {
        let points = [vec![], vec![(1.0, 2.0)], vec![(f64::NAN, 1.0), (2.0, f64::INFINITY)]];
        for points in points {
            let series = vec![Series { name: "a".into(), points }];
            let svg = LineChart { title: "t".into(), x_label: "x".into(), series }.to_svg();
            assert!(
                svg.ends_with("</svg>") && !svg.contains("NaN") && !svg.contains("inf"),
                "{svg}"
            );
        }
    }
}
