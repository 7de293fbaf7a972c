//! Verdicts on features, with the figure that decides.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What is wrong with features, the worst first: not finite, collapsed, partly collapsed, dead units.
///
/// The thresholds are ours. They are set so that only what is clearly wrong is named: healthy does
/// not mean good. `Display` says the verdict, its figure and what to do in one sentence.
///
/// # Example
/// ```
/// use selfsame_metrics::Verdict;
///
/// let verdict = Verdict::of(0.8, 3.0, 512, 0, 512);
/// assert_eq!(verdict, Verdict::PartlyCollapsed { rankme: 3.0, most: 512 });
/// assert!(verdict.to_string().contains("RankMe is 3.0 of at most 512"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Verdict {
    /// Nothing below is the case.
    Healthy {
        /// Their std as a share of that of uniform directions.
        std_share: f64,
        /// Effective rank.
        rankme: f64,
        /// The most it can be: the smaller of rows and dimensions.
        most: usize,
    },
    /// At least [`DEAD_UNITS`](Verdict::DEAD_UNITS) of the units are dead.
    DeadUnits {
        /// Units that do not vary.
        dead: usize,
        /// All units.
        units: usize,
    },
    /// The effective rank is below [`FEW_DIRECTIONS`](Verdict::FEW_DIRECTIONS) of the most it can be,
    /// or below 1.5: dimensional collapse.
    PartlyCollapsed {
        /// Effective rank.
        rankme: f64,
        /// The most it can be: the smaller of rows and dimensions.
        most: usize,
    },
    /// The features' std is below [`SMALL_STD`](Verdict::SMALL_STD) of that of uniform directions: all
    /// samples have almost the same direction.
    Collapsed {
        /// Their std as a share of that of uniform directions.
        std_share: f64,
    },
    /// A row holds NaN or an infinity.
    NotFinite {
        /// The first such row.
        row: usize,
    },
}

impl Verdict {
    /// Share of [`uniform_std`](crate::uniform_std) below which features have collapsed: 0.1, as in the
    /// alarm for collapse while training.
    pub const SMALL_STD: f64 = 0.1;

    /// Share of the largest effective rank below which features have partly collapsed: 0.03.
    pub const FEW_DIRECTIONS: f64 = 0.03;

    /// Share of dead units from which they are the verdict: 0.1.
    pub const DEAD_UNITS: f64 = 0.1;

    /// Judges finite features by the share of the uniform std, RankMe, the most it can be, and how
    /// many of the units are dead.
    #[must_use]
    pub fn of(std_share: f64, rankme: f64, most: usize, dead: usize, units: usize) -> Self {
        if std_share < Self::SMALL_STD {
            Self::Collapsed { std_share }
        } else if most > 1 && rankme < few_directions(most) {
            Self::PartlyCollapsed { rankme, most }
        } else if dead > 0 && dead as f64 >= Self::DEAD_UNITS * units as f64 {
            Self::DeadUnits { dead, units }
        } else {
            Self::Healthy { std_share, rankme, most }
        }
    }
}

/// Returns the effective rank below which directions are few.
fn few_directions(most: usize) -> f64 {
    (Verdict::FEW_DIRECTIONS * most as f64).max(1.5)
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Healthy { std_share, rankme, most } => write!(
                f,
                "healthy: the features' std is {std_share:.2} of that of uniform directions and \
                 RankMe is {rankme:.1} of at most {most}; how good the features are, kNN and \
                 probe say"
            ),
            Self::DeadUnits { dead, units } => write!(
                f,
                "dead units: {dead} of {units} dimensions do not vary; a ReLU that never fires is \
                 the usual reason: lower the learning rate or the weight decay, and check the \
                 initialization"
            ),
            Self::PartlyCollapsed { rankme, most } => write!(
                f,
                "partly collapsed: RankMe is {rankme:.1} of at most {most} (below {:.1}), so the \
                 features use few directions; raise the weight of the loss's variance or \
                 covariance term, take more negatives or a larger batch, or measure the encoder's \
                 features instead of the embedding",
                few_directions(most)
            ),
            Self::Collapsed { std_share } => write!(
                f,
                "collapsed: the features' std is {std_share:.4} of that of uniform directions \
                 (below {}), so all samples have almost the same features; lower the learning rate, \
                 take a larger batch, and check what keeps the method from collapse: negatives, \
                 stopped gradient, predictor, momentum, centering or variance term",
                Self::SMALL_STD
            ),
            Self::NotFinite { row } => write!(
                f,
                "not finite: row {row} holds NaN or an infinity, the encoder has diverged; resume \
                 from an earlier checkpoint with a lower learning rate or with clipped gradients"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_comes_first_and_thresholds_decide() {
        let kind = |verdict: Verdict| verdict.to_string().split(':').next().unwrap().to_owned();
        assert_eq!(kind(Verdict::of(0.099, 1.0, 64, 64, 64)), "collapsed");
        assert_eq!(kind(Verdict::of(0.1, 1.9, 64, 64, 64)), "partly collapsed");
        assert_eq!(kind(Verdict::of(0.1, 1.92, 64, 64, 64)), "dead units");
        assert_eq!(kind(Verdict::of(1.0, 9.0, 64, 7, 64)), "dead units");
        assert_eq!(kind(Verdict::of(1.0, 9.0, 64, 6, 64)), "healthy");
        assert_eq!(kind(Verdict::of(1.0, 1.4, 2, 0, 2)), "partly collapsed");
        assert_eq!(kind(Verdict::of(1.0, 1.0, 1, 0, 1)), "healthy", "one dimension has rank one");
    }

    #[test]
    fn a_verdict_is_tagged_by_its_kind() {
        let json = serde_json::to_string(&Verdict::DeadUnits { dead: 1, units: 4 }).unwrap();
        assert_eq!(json, r#"{"kind":"dead-units","dead":1,"units":4}"#);
    }
}
