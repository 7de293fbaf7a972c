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
