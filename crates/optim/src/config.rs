//! Optimizers by name, and the error of a setting.

use burn::optim::ModuleOptimizer;
use serde::{Deserialize, Serialize};

use crate::group::Members;
use crate::{Lars, Sgd};

/// The error of a setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` cannot be used: {reason}")]
pub struct ConfigError {
    pub(crate) key: &'static str,
    pub(crate) reason: String,
}

impl ConfigError {
    pub(crate) fn finite(key: &'static str, value: f64) -> Result<(), Self> {
        if !value.is_finite() {
            return Err(Self { key, reason: format!("{value} is not a finite number") });
        }
        Ok(())
    }

    pub(crate) fn at_least_zero(key: &'static str, value: f64) -> Result<(), Self> {
        if !(value.is_finite() && value >= 0.0) {
            return Err(Self {
                key,
                reason: format!("{value} is not a finite number of at least 0"),
            });
        }
        Ok(())
    }
}

/// An optimizer and its settings, to be used by a [`GroupedOptimizer`](crate::GroupedOptimizer).
///
/// Biases and the scales and shifts of norms (parameters whose path ends in `bias`, `gamma` or
/// `beta`) have no weight decay, and plain SGD where the optimizer is LARS.
///
/// # Example
/// ```
/// use selfsame_optim::OptimizerConfig;
///
/// let text = r#"{"name": "lars", "momentum": 0.9, "weight_decay": 1e-6, "trust": 0.001}"#;
/// let config: OptimizerConfig = serde_json::from_str(text).unwrap();
/// assert_eq!(config, OptimizerConfig::lars(1e-6));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum OptimizerConfig {
    /// [`Sgd`].
    Sgd {
        /// Share of the velocity that is kept, in `[0, 1)`.
        momentum: f64,
        /// Whether the step looks ahead along the velocity.
        nesterov: bool,
        /// Weight decay of matrices and convolutions; at least 0.
        weight_decay: f64,
    },
    /// [`Lars`].
    Lars {
        /// Share of the velocity that is kept, in `[0, 1)`.
        momentum: f64,
        /// Weight decay of matrices and convolutions; at least 0.
        weight_decay: f64,
        /// Length of a step divided by the length of the weight, at rate 1; at least 0.
        trust: f64,
    },
}

impl OptimizerConfig {
    /// Returns SGD with Nesterov momentum.
    #[must_use]
    pub fn sgd(momentum: f64, weight_decay: f64) -> Self {
        Self::Sgd { momentum, nesterov: true, weight_decay }
    }

    /// Returns LARS with momentum 0.9 and trust 0.001, as in SimCLR.
    #[must_use]
    pub fn lars(weight_decay: f64) -> Self {
        Self::Lars { momentum: 0.9, weight_decay, trust: 0.001 }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// If a value is negative or not finite, or the momentum is not below 1.
    ///
    /// # Example
    /// ```
    /// use selfsame_optim::OptimizerConfig;
    ///
    /// assert!(OptimizerConfig::sgd(0.9, 5e-4).validate().is_ok());
    /// let error = OptimizerConfig::sgd(1.0, 5e-4).validate().unwrap_err();
    /// assert_eq!(error.to_string(), "`momentum` cannot be used: 1 is not below 1");
    /// ```
    pub fn validate(&self) -> Result<(), ConfigError> {
        let (Self::Sgd { momentum, weight_decay, .. } | Self::Lars { momentum, weight_decay, .. }) =
            *self;
        ConfigError::at_least_zero("momentum", momentum)?;
        ConfigError::at_least_zero("weight_decay", weight_decay)?;
        if let Self::Lars { trust, .. } = *self {
            ConfigError::at_least_zero("trust", trust)?;
        }
        if momentum >= 1.0 {
            let reason = format!("{momentum} is not below 1");
            return Err(ConfigError { key: "momentum", reason });
        }
        Ok(())
    }

    /// Returns the optimizer of biases, scales and shifts: no decay, no rate per layer.
    pub(crate) fn for_vectors(&self) -> Sgd {
        let (momentum, nesterov) = match *self {
            Self::Sgd { momentum, nesterov, .. } => (momentum, nesterov),
            Self::Lars { momentum, .. } => (momentum, false),
        };
        Sgd { momentum, nesterov, weight_decay: 0.0 }
    }

    /// Adds the optimizer for `members` to `optimizer`, where the last one added decides.
    pub(crate) fn add_to(&self, optimizer: ModuleOptimizer, members: &Members) -> ModuleOptimizer {
        let all = members.all.clone();
        let optimizer = match *self {
            Self::Sgd { momentum, nesterov, weight_decay } => {
                optimizer.with_group(all, Sgd { momentum, nesterov, weight_decay }, None)
            }
            Self::Lars { momentum, weight_decay, trust } => {
                optimizer.with_group(all, Lars { momentum, weight_decay, trust }, None)
            }
        };
        optimizer.with_group(members.vectors.clone(), self.for_vectors(), None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_values_are_named() {
        let error = OptimizerConfig::sgd(1.0, 0.0).validate().unwrap_err().to_string();
        assert!(error.contains("momentum"), "{error}");
        assert!(OptimizerConfig::lars(f64::NAN).validate().is_err());
    }
}
