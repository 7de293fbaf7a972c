//! Axes of charts, linear and logarithmic.

use std::fmt::Write as _;

use crate::escape::escape;

pub(crate) const WIDTH: f64 = 420.0;
pub(crate) const HEIGHT: f64 = 240.0;
/// Space for the labels of the axes.
const LEFT: f64 = 56.0;
const TOP: f64 = 28.0;
const RIGHT: f64 = 18.0;
const BOTTOM: f64 = 36.0;

/// Begins an `svg` element with a title above the drawing.
pub(crate) fn begin(width: f64, height: f64, title: &str) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         role=\"img\" font-family=\"sans-serif\" font-size=\"11\" fill=\"currentColor\">\
         <title>{0}</title>\
         <text x=\"{LEFT}\" y=\"16\" font-size=\"13\" font-weight=\"bold\">{0}</text>",
        escape(title)
    )
}

/// Both axes of a chart.
pub(crate) struct Axes {
    pub(crate) x: Axis,
    pub(crate) y: Axis,
}

impl Axes {
    /// Converts a point to SVG coordinates, whose y points down.
    pub(crate) fn position(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let across = LEFT + self.x.share(x) * (WIDTH - LEFT - RIGHT);
        let down = HEIGHT - BOTTOM - self.y.share(y) * (HEIGHT - TOP - BOTTOM);
        (across, down)
    }

    /// Whether a point has a place in the chart.
    fn shows(&self, (x, y): (f64, f64)) -> bool {
        self.x.scale.shows(x) && self.y.scale.shows(y)
    }

    pub(crate) fn draw(&self, svg: &mut String, x_label: &str) {
        for (tick, text) in &self.y.ticks {
            let (_, down) = self.position((self.x.low, *tick));
            let _ = write!(
                svg,
                "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{down:.1}\" y2=\"{down:.1}\" \
                 stroke=\"currentColor\" stroke-opacity=\"0.15\"/>\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                down + 4.0,
            );
        }
        for (tick, text) in &self.x.ticks {
            let (across, _) = self.position((*tick, self.y.low));
            draw_below(svg, &format!("{across:.1}"), HEIGHT - BOTTOM + 15.0, text);
        }
        let middle = f64::midpoint(LEFT, WIDTH - RIGHT);
        draw_below(svg, &middle.to_string(), HEIGHT - 5.0, &escape(x_label));
    }

    /// Draws a line through the points that have a place in the chart.
    pub(crate) fn draw_line(&self, svg: &mut String, points: &[(f64, f64)], color: &str) {
        let path: Vec<String> = points
            .iter()
            .filter(|point| self.shows(**point))
            .map(|point| self.position(*point))
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

/// Where the names of lines stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Corner {
    /// For lines that rise.
    Left,
    /// For lines that fall.
    Right,
}

/// Draws the name of line `index` in an upper corner, below those before it.
pub(crate) fn draw_legend(svg: &mut String, name: &str, index: usize, color: &str, corner: Corner) {
    let (across, anchor) = match corner {
        Corner::Left => (LEFT + 6.0, "start"),
        Corner::Right => (WIDTH - RIGHT - 4.0, "end"),
    };
    let _ = write!(
        svg,
        "<text x=\"{across}\" y=\"{}\" text-anchor=\"{anchor}\" fill=\"{color}\">{}</text>",
        TOP + 6.0 + 14.0 * index as f64,
        escape(name)
    );
}

/// How values become places along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scale {
    Linear,
    /// Equal ratios are equal distances; values of 0 and less have no place.
    Log,
}

impl Scale {
    fn shows(self, value: f64) -> bool {
        value.is_finite() && (self == Self::Linear || value > 0.0)
    }

    fn apply(self, value: f64) -> f64 {
        if self == Self::Linear { value } else { value.log10() }
    }
}

/// Range of values, with ticks in it.
pub(crate) struct Axis {
    scale: Scale,
    pub(crate) low: f64,
    high: f64,
    /// Values and their texts.
    pub(crate) ticks: Vec<(f64, String)>,
}

impl Axis {
    /// Spans the values that have a place on the scale, with round ticks.
    pub(crate) fn over(values: impl Iterator<Item = f64>, scale: Scale) -> Self {
        let values = values.filter(|value| scale.shows(*value));
        let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
            (low.min(value), high.max(value))
        });
        match scale {
            Scale::Linear => Self::linear(low, high),
            Scale::Log => Self::log(low, high),
        }
    }

    fn linear(low: f64, high: f64) -> Self {
        let (low, high) = match (low.is_finite(), low < high) {
            (false, _) => (0.0, 1.0),
            (true, true) => (low, high),
            (true, false) => (low - 0.5 * low.abs().max(1.0), low + 0.5 * low.abs().max(1.0)),
        };
        let rough = (high - low) / 4.0;
        let power = 10.0_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
        let step = step.into_iter().find(|step| *step >= rough).unwrap_or(10.0 * power);
        let first = (low / step - 1e-9).ceil();
        let ticks = (0..12).map(|n| (first + f64::from(n)) * step);
        let ticks = ticks.take_while(|tick| *tick <= high + step * 1e-9);
        let ticks = ticks.map(|tick| (tick, with_digits_of(tick, step))).collect();
        Self { scale: Scale::Linear, low, high, ticks }
    }

    /// Ticks are powers of ten, at most about five of them.
    fn log(low: f64, high: f64) -> Self {
        let (low, high) = match (low.is_finite(), low < high) {
            (false, _) => (1.0, 10.0),
            (true, true) => (low, high),
            (true, false) => (low / 3.0, low * 3.0),
        };
        let (first, last) = ((low.log10() - 1e-9).ceil(), (high.log10() + 1e-9).floor());
        let step = ((last - first) / 5.0).ceil().max(1.0);
        let exponents = (0..7).map(|n| first + step * f64::from(n));
        let tick = |exponent: f64| {
            let value = 10.0_f64.powf(exponent);
            let plain = (-2.0..=4.0).contains(&exponent);
            (value, if plain { with_digits_of(value, value) } else { format!("1e{exponent}") })
        };
        let ticks = exponents.take_while(|exponent| *exponent <= last).map(tick).collect();
        Self { scale: Scale::Log, low, high, ticks }
    }

    fn share(&self, value: f64) -> f64 {
        let [value, low, high] = [value, self.low, self.high].map(|x| self.scale.apply(x));
        (value - low) / (high - low)
    }
}

/// Writes a tick with as many digits as steps of `step` need.
fn with_digits_of(tick: f64, step: f64) -> String {
    let digits = (-(step.log10() + 1e-9).floor()).clamp(0.0, 9.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 9")]
    let digits = digits as usize;
    format!("{tick:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(values: &[f64], scale: Scale) -> Vec<String> {
        Axis::over(values.iter().copied(), scale).ticks.into_iter().map(|tick| tick.1).collect()
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(texts(&[0.03, 0.97], Scale::Linear), ["0.5"]);
        assert_eq!(texts(&[1.0, 12.0], Scale::Linear), ["5", "10"]);
    }

    #[test]
    fn ticks_of_a_logarithmic_axis_are_powers_of_ten() {
        assert_eq!(texts(&[0.5, 0.0, -3.0, 200.0], Scale::Log), ["1", "10", "100"]);
        assert_eq!(texts(&[1e-9, 1e-1], Scale::Log), ["1e-9", "1e-7", "1e-5", "1e-3", "0.1"]);
        assert_eq!(texts(&[f64::NAN], Scale::Log), ["1", "10"]);
        assert_eq!(texts(&[7.0], Scale::Log), ["10"]);
    }

    #[test]
    fn equal_ratios_are_equally_far_on_a_logarithmic_axis() {
        let axis = Axis::over([1.0, 100.0].into_iter(), Scale::Log);
        assert!((axis.share(10.0) - 0.5).abs() < 1e-12);
    }
}
