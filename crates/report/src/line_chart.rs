//! Charts as SVG text, for reports that need nothing fetched.

use std::fmt::Write as _;

/// A line of a chart.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// What the line shows; the legend is left out where there is one line only.
    pub name: String,
    /// Points `(x, y)`; those that are not finite are left out.
    pub points: Vec<(f64, f64)>,
}

const WIDTH: f64 = 420.0;
const HEIGHT: f64 = 240.0;
/// Room for the labels of the axes: left, top, right, bottom.
const MARGIN: [f64; 4] = [56.0, 28.0, 12.0, 36.0];
/// Told apart by people of all kinds of color vision (Okabe & Ito, 2008).
const COLORS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// A chart of lines, readable on light and dark pages.
///
/// # Example
/// ```
/// use selfsame_metrics::plot::{Series, line_chart};
///
/// let loss = Series { name: "loss".into(), points: vec![(1.0, 5.0), (2.0, 4.0)] };
/// let svg = line_chart("loss & co", "epoch", &[loss]);
/// assert!(svg.starts_with("<svg") && svg.contains("loss &amp; co"));
/// ```
#[must_use]
pub fn line_chart(title: &str, x_label: &str, series: &[Series]) -> String {
    let points = || series.iter().flat_map(|series| finite(&series.points));
    let (x, y) = (Axis::over(points().map(|p| p.0)), Axis::over(points().map(|p| p.1)));
    let [left, top, right, bottom] = MARGIN;
    let place = |(px, py): (f64, f64)| {
        let across = left + x.share(px) * (WIDTH - left - right);
        let down = HEIGHT - bottom - y.share(py) * (HEIGHT - top - bottom);
        (across, down)
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         font-family=\"sans-serif\" font-size=\"11\" fill=\"currentColor\"><title>{0}</title>\
         <text x=\"{left}\" y=\"16\" font-size=\"13\" font-weight=\"bold\">{0}</text>",
        escape(title)
    );
    for tick in y.ticks() {
        let (_, down) = place((x.low, tick));
        let _ = write!(
            svg,
            "<line x1=\"{left}\" x2=\"{}\" y1=\"{down:.1}\" y2=\"{down:.1}\" stroke=\"currentColor\" \
             stroke-opacity=\"0.15\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
            WIDTH - right,
            left - 6.0,
            down + 4.0,
            y.text(tick),
        );
    }
    for tick in x.ticks() {
        let (across, _) = place((tick, y.low));
        let below = HEIGHT - bottom + 15.0;
        let _ = write!(
            svg,
            "<text x=\"{across:.1}\" y=\"{below}\" text-anchor=\"middle\">{}</text>",
            x.text(tick)
        );
    }
    let middle = f64::midpoint(left, WIDTH - right);
    let _ = write!(
        svg,
        "<text x=\"{middle}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
        HEIGHT - 5.0,
        escape(x_label)
    );
    for (index, line) in series.iter().enumerate() {
        let color = COLORS[index % COLORS.len()];
        let path: Vec<String> = finite(&line.points)
            .map(place)
            .map(|(across, down)| format!("{across:.1},{down:.1}"))
            .collect();
        let _ = write!(
            svg,
            "<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"2\" points=\"{}\"/>",
            path.join(" ")
        );
        if series.len() > 1 {
            let down = top + 6.0 + 14.0 * index as f64;
            let _ = write!(
                svg,
                "<text x=\"{}\" y=\"{down}\" text-anchor=\"end\" fill=\"{color}\">{}</text>",
                WIDTH - right - 4.0,
                escape(&line.name)
            );
        }
    }
    svg.push_str("</svg>");
    svg
}

fn finite(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64)> {
    points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite())
}

/// A range, and the round numbers in it.
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

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
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
            let svg = line_chart("t", "x", &[Series { name: "a".into(), points }]);
            assert!(
                svg.ends_with("</svg>") && !svg.contains("NaN") && !svg.contains("inf"),
                "{svg}"
            );
        }
    }
}
