//! The settings of a run.

use selfsame_optim::{OptimizerConfig, ParameterGroup, Schedule};
use serde::{Deserialize, Serialize};

/// The settings that decide a run, besides its method and its data.
///
/// # Example
/// ```
/// use selfsame_optim::{OptimizerConfig, Schedule};
/// use selfsame_train::TrainerConfig;
///
/// let (optimizer, schedule) = (OptimizerConfig::lars(1e-6), Schedule::warmup_cosine(0.3, 100));
/// let config = TrainerConfig { accumulate: 4, ..TrainerConfig::new(10, optimizer, schedule) };
/// let text = serde_json::to_string(&config)?;
/// assert_eq!(serde_json::from_str::<TrainerConfig>(&text)?, config);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainerConfig {
    /// Passes over the samples, 1 or more.
    pub epochs: u64,
    /// The optimizer of all parameters that are in no group with another one.
    pub optimizer: OptimizerConfig,
    /// The learning rate over the run.
    pub schedule: Schedule,
    /// Groups of parameters with another optimizer or learning rate; of those that match a
    /// parameter the last counts. Default: those that the method asks for with
    /// [`constant_rate`](selfsame_models::Method::constant_rate), which come before these.
    #[serde(default)]
    pub groups: Vec<ParameterGroup>,
    /// The largest norm of all gradients together, above 0; a larger one is scaled down to it.
    /// Default: none.
    #[serde(default)]
    pub clip_norm: Option<f64>,
    /// Batches whose gradients are averaged for one update, 1 or more. Default 1.
    ///
    /// The update is that of one large batch if the loss is a mean over samples and no layer mixes
    /// samples. Batch norm mixes those of one batch, contrastive losses have the negatives of one
    /// batch, and Barlow Twins and VICReg take statistics of one batch. Batches left over at the
    /// end of an epoch are dropped.
    #[serde(default = "one")]
    pub accumulate: usize,
}

fn one() -> usize {
    1
}

impl TrainerConfig {
    /// Returns the settings of a run without groups, clipping and accumulation.
    #[must_use]
    pub fn new(epochs: u64, optimizer: OptimizerConfig, schedule: Schedule) -> Self {
        Self { epochs, optimizer, schedule, groups: Vec::new(), clip_norm: None, accumulate: 1 }
    }
}
