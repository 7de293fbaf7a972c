//! Colors of lines and classes.

/// Colors that read well on light and dark. The first six can be told apart with any kind of color
/// vision (Okabe & Ito, 2008).
const COLORS: [&str; 10] = [
    "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#a0522d", "#7b61c9",
    "#c4372e", "#808080",
];

/// Returns the color of item `index` of `count`.
pub(crate) fn color(index: usize, count: usize) -> String {
    if count <= COLORS.len() {
        return COLORS[index % COLORS.len()].to_owned();
    }
    // Steps of the golden angle keep neighbors apart, however many there are.
    let hue = (index as f64 * 137.508) % 360.0;
    let lightness = [45, 62][index % 2];
    format!("hsl({hue:.0},65%,{lightness}%)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_of_a_hundred_classes_share_a_color() {
        for count in [10, 100] {
            let mut colors: Vec<String> = (0..count).map(|index| color(index, count)).collect();
            colors.sort();
            colors.dedup();
            assert_eq!(colors.len(), count);
        }
    }
}
