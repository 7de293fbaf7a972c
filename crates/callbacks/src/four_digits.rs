//! Figures in messages.

/// Rounds a figure to four significant digits, for a reader; a value that is not finite stays.
pub(crate) fn four_digits(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_and_small_figures_keep_four_digits() {
        let shown = |value: f64| four_digits(value).to_string();
        assert_eq!(shown(0.212_345), "0.2123");
        assert_eq!(shown(0.21), "0.21");
        assert_eq!(shown(-12_345.6), "-12350");
        assert_eq!(shown(0.000_012_345_6), "0.00001235");
        assert_eq!((shown(f64::NAN), shown(f64::INFINITY)), ("NaN".to_owned(), "inf".to_owned()));
    }
}
