//! Numbers on the command line, with their ranges.

use std::time::Duration;

/// The longest time limit, more than a year.
const MOST_HOURS: f64 = 10_000.0;

/// Reads a finite number above 0.
pub(crate) fn above_zero(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it must be a number".to_owned())?;
    if number.is_finite() && number > 0.0 {
        Ok(number)
    } else {
        Err("it must be above 0".to_owned())
    }
}

/// Reads a finite number, 0 or more.
pub(crate) fn zero_or_more(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "it must be a number, 0 or more".to_owned())
}

/// Reads a number of things, at least one.
pub(crate) fn count(text: &str) -> Result<u64, String> {
    let count = text.parse().ok().filter(|count| *count > 0);
    count.ok_or_else(|| "it must be a whole number, 1 or more".to_owned())
}

/// Reads a number of hours.
pub(crate) fn hours(text: &str) -> Result<f64, String> {
    let hours = above_zero(text)?;
    if hours <= MOST_HOURS { Ok(hours) } else { Err("it must be at most 10,000".to_owned()) }
}

/// Reads a time, such as `90s`, `10m` or `2h`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let units = [("s", 1.0), ("m", 60.0), ("h", 3_600.0)];
    let unit =
        units.into_iter().find_map(|(unit, seconds)| Some((text.strip_suffix(unit)?, seconds)));
    let (number, seconds) =
        unit.ok_or_else(|| "it needs a unit, such as 90s, 10m or 2h".to_owned())?;
    let number = above_zero(number)?;
    hours(&(number * seconds / 3_600.0).to_string())?;
    Ok(Duration::from_secs_f64(number * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_and_ranges() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5h"), Ok(Duration::from_mins(90)));
        for wrong in ["10", "m", "-1m", "0s", "nans", "1e99h"] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
        assert!(above_zero("0").is_err() && above_zero("inf").is_err());
        assert!(hours("10000").is_ok() && hours("10001").is_err());
    }
}
