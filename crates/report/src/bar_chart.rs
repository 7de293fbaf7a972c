//! Bar charts as SVG.

use std::fmt::Write as _;

use crate::colors::color;
use crate::escape::escape;

/// Shares as horizontal bars from 0 to 100 %, such as the accuracy of each class.
///
/// # Example
/// ```
/// use selfsame_report::BarChart;
///
/// let bars = vec![("cat".into(), 0.625), ("<dog>".into(), 1.0)];
/// let svg = BarChart { title: "accuracy".into(), bars }.to_svg();
/// assert!(svg.contains("62.5 %") && svg.contains("&lt;dog&gt;"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct BarChart {
    /// Title above the chart.
    pub title: String,
    /// Name and share of each bar, 0 to 1; a share that is not finite has no bar.
    pub bars: Vec<(String, f64)>,
}

const WIDTH: f64 = 420.0;
const LEFT: f64 = 112.0;
const RIGHT: f64 = 52.0;
const TOP: f64 = 28.0;
const STEP: f64 = 18.0;

impl BarChart {
    /// Draws the chart as an `svg` element, as high as its bars need.
    #[must_use]
    pub fn to_svg(&self) -> String {
        let height = TOP + STEP * self.bars.len() as f64 + 6.0;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
             role=\"img\" font-family=\"sans-serif\" font-size=\"11\" fill=\"currentColor\">\
             <title>{0}</title><text x=\"6\" y=\"16\" font-size=\"13\" font-weight=\"bold\">{0}</text>",
            escape(&self.title)
        );
        for (index, (name, share)) in self.bars.iter().enumerate() {
            let top = TOP + STEP * index as f64;
            let width = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
            let width = width * (WIDTH - LEFT - RIGHT);
            let text =
                if share.is_finite() { format!("{:.1} %", 100.0 * share) } else { "–".into() };
            let _ = write!(
                svg,
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}<title>{}</title></text>\
                 <rect x=\"{LEFT}\" y=\"{top:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"{}\"/>\
                 <text x=\"{:.1}\" y=\"{:.1}\">{text}</text>",
                LEFT - 6.0,
                top + 11.0,
                escape(&shortened(name, 17)),
                escape(name),
                STEP - 4.0,
                color(0, 1),
                LEFT + width + 4.0,
                top + 11.0,
            );
        }
        svg.push_str("</svg>");
        svg
    }
}

/// Returns at most `length` characters of a name.
pub(crate) fn shortened(name: &str, length: usize) -> String {
    if name.chars().count() <= length {
        return name.to_owned();
    }
    name.chars().take(length - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_outside_their_range_and_long_names_stay_inside() {
        let name = "a very long name of a class".to_owned();
        let bars = vec![(name, 2.0), ("none".into(), f64::NAN), ("less".into(), -1.0)];
        let svg = BarChart { title: "t".into(), bars }.to_svg();
        assert!(svg.contains("a very long name…<title>a very long name of a class"), "{svg}");
        assert_eq!(svg.matches("width=\"256.0\"").count(), 1);
        assert_eq!(svg.matches("width=\"0.0\"").count(), 2);
        assert!(
            !svg.contains("NaN")
                && BarChart { title: "t".into(), bars: vec![] }.to_svg().ends_with("</svg>")
        );
    }
}
