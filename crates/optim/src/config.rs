//! Optimizers by name, and the error of a setting.

use burn::module::ParamGroup;
use burn::optim::ModuleOptimizer;
use serde::{Deserialize, Serialize};

use crate::group::Members;
use crate::{Adam, Lars, Sgd};

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

    /// Checks a share of something old that is kept.
    fn share(key: &'static str, value: f64) -> Result<(), Self> {
        Self::at_least_zero(key, value)?;
        if value >= 1.0 {
            return Err(Self { key, reason: format!("{value} is not below 1") });
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
        /// Whether a step is at most as long as that of SGD. Default false.
        #[serde(default)]
        clip: bool,
    },
    /// [`Adam`] with the weight decay in the gradient.
    Adam {
        /// β₁ and β₂, each in `[0, 1)`.
        betas: [f64; 2],
        /// ε; at least 0.
        epsilon: f64,
        /// Weight decay of matrices and convolutions; at least 0.
        weight_decay: f64,
    },
    /// [`Adam`] with the weight decay apart from the gradient.
    AdamW {
        /// β₁ and β₂, each in `[0, 1)`.
        betas: [f64; 2],
        /// ε; at least 0.
        epsilon: f64,
        /// Weight decay of matrices and convolutions; at least 0.
        weight_decay: f64,
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
        Self::Lars { momentum: 0.9, weight_decay, trust: 0.001, clip: false }
    }

    /// Returns Adam with PyTorch's defaults: β 0.9 and 0.999, ε 1e-8.
    #[must_use]
    pub fn adam(weight_decay: f64) -> Self {
        Self::Adam { betas: [0.9, 0.999], epsilon: 1e-8, weight_decay }
    }

    /// Returns `AdamW` with PyTorch's β and ε: 0.9, 0.999 and 1e-8.
    #[must_use]
    pub fn adam_w(weight_decay: f64) -> Self {
        Self::AdamW { betas: [0.9, 0.999], epsilon: 1e-8, weight_decay }
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
        match *self {
            Self::Sgd { momentum, weight_decay, .. } => {
                ConfigError::share("momentum", momentum)?;
                ConfigError::at_least_zero("weight_decay", weight_decay)
            }
            Self::Lars { momentum, weight_decay, trust, .. } => {
                ConfigError::share("momentum", momentum)?;
                ConfigError::at_least_zero("weight_decay", weight_decay)?;
                ConfigError::at_least_zero("trust", trust)
            }
            Self::Adam { betas, epsilon, weight_decay }
            | Self::AdamW { betas, epsilon, weight_decay } => {
                betas.into_iter().try_for_each(|beta| ConfigError::share("betas", beta))?;
                ConfigError::at_least_zero("epsilon", epsilon)?;
                ConfigError::at_least_zero("weight_decay", weight_decay)
            }
        }
    }

    /// Returns the optimizer of biases, scales and shifts: no decay, no rate per layer.
    fn for_vectors(&self) -> Self {
        match *self {
            Self::Sgd { momentum, nesterov, .. } => {
                Self::Sgd { momentum, nesterov, weight_decay: 0.0 }
            }
            Self::Lars { momentum, .. } => {
                Self::Sgd { momentum, nesterov: false, weight_decay: 0.0 }
            }
            Self::Adam { betas, epsilon, .. } | Self::AdamW { betas, epsilon, .. } => {
                Self::AdamW { betas, epsilon, weight_decay: 0.0 }
            }
        }
    }

    /// Returns burn's optimizer of this kind for the parameters of `group`, beside those that
    /// `optimizer` has already.
    fn with_group(&self, optimizer: ModuleOptimizer, group: ParamGroup) -> ModuleOptimizer {
        match *self {
            Self::Sgd { momentum, nesterov, weight_decay } => {
                optimizer.with_group(group, Sgd { momentum, nesterov, weight_decay }, None)
            }
            Self::Lars { momentum, weight_decay, trust, clip } => {
                optimizer.with_group(group, Lars { momentum, weight_decay, trust, clip }, None)
            }
            Self::Adam { betas, epsilon, weight_decay } => {
                let adam = Adam { betas, epsilon, weight_decay, decoupled: false };
                optimizer.with_group(group, adam, None)
            }
            Self::AdamW { betas, epsilon, weight_decay } => {
                let adam = Adam { betas, epsilon, weight_decay, decoupled: true };
                optimizer.with_group(group, adam, None)
            }
        }
    }

    /// Adds the optimizer for `members` to `optimizer`, where the last one added decides.
    pub(crate) fn add_to(&self, optimizer: ModuleOptimizer, members: &Members) -> ModuleOptimizer {
        let optimizer = self.with_group(optimizer, members.all.clone());
        self.for_vectors().with_group(optimizer, members.vectors.clone())
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
        let betas = [0.9, 1.0];
        let adam = OptimizerConfig::AdamW { betas, epsilon: 1e-8, weight_decay: 0.0 };
        assert_eq!(
            adam.validate().unwrap_err().to_string(),
            "`betas` cannot be used: 1 is not below 1"
        );
    }
}
