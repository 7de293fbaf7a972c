//! The protocols of a linear probe.

use serde::{Deserialize, Serialize};

use super::{FittedProbe, LinearProbe, ProbeGrid, SgdProbe};
use crate::{LabeledFeatures, MetricError};

/// How a linear layer is fitted; a figure of a probe means little without it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ProbeProtocol {
    /// To its minimum, with a fixed penalty.
    Fixed(LinearProbe),
    /// To its minimum, with a penalty searched on part of the training rows.
    Grid(ProbeGrid),
    /// By stochastic gradient descent.
    Sgd(SgdProbe),
}

impl ProbeProtocol {
    /// Returns the logistic regression of DINOv3's evaluation: [`ProbeGrid::default`].
    #[must_use]
    pub fn dinov3() -> Self {
        Self::Grid(ProbeGrid::default())
    }

    /// Returns lightly's protocol: [`SgdProbe::lightly`].
    #[must_use]
    pub fn lightly() -> Self {
        Self::Sgd(SgdProbe::lightly())
    }

    /// Returns solo-learn's protocol: [`SgdProbe::solo_learn`].
    #[must_use]
    pub fn solo_learn() -> Self {
        Self::Sgd(SgdProbe::solo_learn())
    }

    /// Returns TensorFlow Similarity's protocol: [`SgdProbe::tf_similarity`].
    #[must_use]
    pub fn tf_similarity() -> Self {
        Self::Sgd(SgdProbe::tf_similarity())
    }

    /// Fits a linear layer to labeled features.
    ///
    /// # Errors
    /// As [`LinearProbe::fit`], [`ProbeGrid::fit`] or [`SgdProbe::fit`].
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, LabeledFeatures, ProbeProtocol};
    ///
    /// let features = Features::new(1, vec![-2.0, -1.0, 1.0, 2.0])?;
    /// let train = LabeledFeatures::new(&features, &[1, 1, 0, 0])?;
    /// for protocol in [ProbeProtocol::dinov3(), ProbeProtocol::tf_similarity()] {
    ///     assert_eq!(protocol.fit(train, 2)?.predict(&features)?, [1, 1, 0, 0]);
    /// }
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn fit(
        &self,
        train: LabeledFeatures<'_>,
        classes: usize,
    ) -> Result<FittedProbe, MetricError> {
        match self {
            Self::Fixed(probe) => probe.fit(train, classes),
            Self::Grid(grid) => Ok(grid.fit(train, classes)?.probe),
            Self::Sgd(probe) => probe.fit(train, classes),
        }
    }
}
