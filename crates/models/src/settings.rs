//! The settings of a method as JSON.

use serde::Serialize;
use serde_json::Value;

/// Returns a config as JSON, for [`Method::settings`](crate::Method::settings).
///
/// A config that cannot become JSON, such as one with a map whose keys are not text, gives the reason as
/// text.
///
/// # Example
/// ```
/// use selfsame_models::{SimClrConfig, settings};
///
/// assert_eq!(settings(&SimClrConfig::default())["temperature"], 0.5);
/// ```
#[must_use]
pub fn settings<T: Serialize>(config: &T) -> Value {
    serde_json::to_value(config).unwrap_or_else(|error| Value::String(error.to_string()))
}

/// Returns a config as JSON with the seed of the method's draws, which are no part of a checkpoint: a
/// run that is resumed with another seed would have other masks.
pub(crate) fn seeded_settings<T: Serialize>(config: &T, draw_seed: u64) -> Value {
    #[derive(Serialize)]
    struct Seeded<'a, T> {
        #[serde(flatten)]
        config: &'a T,
        draw_seed: u64,
    }
    settings(&Seeded { config, draw_seed })
}
