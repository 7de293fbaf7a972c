//! Optimizers by name, with the parameter groups that self-supervised methods use.

use burn::module::ParamGroup;
use burn::optim::ModuleOptimizer;
use serde::{Deserialize, Serialize};

use crate::{Lars, Sgd};

/// The error of a setting that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{key}` cannot be used: {reason}")]
pub struct ConfigError {
    pub(crate) key: &'static str,
    pub(crate) reason: String,
}

impl ConfigError {
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

/// An optimizer and its settings.
///
/// Biases and the scales and shifts of norms (parameters with `bias`, `gamma` or `beta` in their
/// path) have no weight decay and, with LARS, no rate of their own.
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

    /// Creates the optimizer, without any state yet.
    ///
    /// # Panics
    /// If [`validate`](Self::validate) fails, with its message.
    #[must_use]
    #[track_caller]
    pub fn init(&self) -> ModuleOptimizer {
        if let Err(error) = self.validate() {
            panic!("{error}");
        }
        let (all, momentum, nesterov) = match *self {
            Self::Sgd { momentum, nesterov, weight_decay } => {
                (Sgd { momentum, nesterov, weight_decay }.into(), momentum, nesterov)
            }
            Self::Lars { momentum, weight_decay, trust } => {
                (ModuleOptimizer::from(Lars { momentum, weight_decay, trust }), momentum, false)
            }
        };
        let vectors = ParamGroup::from_any_predicates(vec!["bias", "gamma", "beta"]);
        all.with_group(vectors, Sgd { momentum, nesterov, weight_decay: 0.0 }, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Linear, LinearConfig};
    use burn::optim::GradientsParams;
    use burn::tensor::{Device, Tensor};

    /// A layer whose weights and biases are 1, after one step along gradients of 0.
    fn after_a_flat_step(config: OptimizerConfig) -> (f32, f32) {
        let device = Device::flex().autodiff();
        let layer =
            LinearConfig::new(2, 2).with_initializer(burn::nn::Initializer::Ones).init(&device);
        let loss = layer.forward(Tensor::<2>::zeros([1, 2], &device)).sum() * 0.0;
        let gradients = GradientsParams::from_grads(loss.backward(), &layer);
        let layer = config.init().step(1.0, layer, gradients);
        let first = |data: burn::tensor::TensorData| data.iter::<f32>().next().unwrap();
        (first(layer.weight.val().into_data()), first(layer.bias.unwrap().val().into_data()))
    }

    #[test]
    fn weights_decay_and_biases_do_not() {
        let (weight, bias) = after_a_flat_step(OptimizerConfig::sgd(0.9, 0.1));
        assert!((weight - 0.81).abs() < 1e-6, "1 − 0.1 (1 + 0.9): {weight}");
        assert!((bias - 1.0).abs() < 1e-7, "{bias}");
        assert!((after_a_flat_step(OptimizerConfig::lars(0.1)).1 - 1.0).abs() < 1e-7);
    }

    #[test]
    fn an_optimizer_that_was_saved_resumes_with_the_same_bytes() {
        let device = Device::flex().autodiff();
        let step = |optimizer: &mut ModuleOptimizer, layer: Linear| {
            let input = Tensor::<2>::from_floats([[1.0, -2.0], [0.5, 3.0]], &device);
            let loss = layer.forward(input).square().mean();
            let gradients = GradientsParams::from_grads(loss.backward(), &layer);
            optimizer.step(1.5, layer, gradients)
        };
        for config in [OptimizerConfig::sgd(0.9, 5e-4), OptimizerConfig::lars(1e-4)] {
            let mut optimizer = config.init();
            let layer = step(&mut optimizer, LinearConfig::new(2, 2).init(&device));
            let saved = optimizer.into_bytes().unwrap();
            let mut restored = config.init().from_bytes(saved).unwrap();
            let bytes = |layer: Linear| layer.weight.val().into_data().bytes().to_vec();
            let record = layer.clone();
            assert_eq!(
                bytes(step(&mut optimizer, layer)),
                bytes(step(&mut restored, record.clone()))
            );
            assert_ne!(
                bytes(step(&mut config.init(), record.clone())),
                bytes(step(&mut restored, record))
            );
        }
    }

    #[test]
    fn bad_values_are_named() {
        let error = OptimizerConfig::sgd(1.0, 0.0).validate().unwrap_err().to_string();
        assert!(error.contains("momentum"), "{error}");
        assert!(OptimizerConfig::lars(f64::NAN).validate().is_err());
    }
}
