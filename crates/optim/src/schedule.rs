//! Learning rates as functions of the step.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// The learning rate as a function of the step, counted from 0.
///
/// # Example
/// ```
/// use selfsame_optim::Schedule;
///
/// let schedule = Schedule::WarmupCosine { peak: 2.0, warmup_steps: 4, total_steps: 14 };
/// assert_eq!(schedule.at(0), 0.5);
/// assert_eq!(schedule.at(4), 2.0);
/// assert!((schedule.at(9) - 1.0).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// The same rate at every step.
    Constant {
        /// The rate.
        rate: f64,
    },
    /// Linear warm-up to `peak`, then half a cosine down to 0.
    ///
    /// Loshchilov & Hutter, 2017, [arXiv:1608.03983](https://arxiv.org/abs/1608.03983), without
    /// restarts, with the linear warm-up of Goyal et al., 2017.
    WarmupCosine {
        /// The highest rate, at step `warmup_steps`.
        peak: f64,
        /// Steps of the warm-up; step `n` of it has `(n + 1) / warmup_steps` of the peak.
        warmup_steps: u64,
        /// Steps of the whole run. The rate would be 0 at this step, which is never taken.
        total_steps: u64,
    },
    /// Half a cosine up from `peak / 25` over the first three tenths, then down to `peak / 250000`.
    ///
    /// Smith & Topin, 2018, [arXiv:1708.07120](https://arxiv.org/abs/1708.07120), as PyTorch's
    /// `OneCycleLR` with its defaults, but with constant momentum.
    OneCycle {
        /// The highest rate.
        peak: f64,
        /// Steps of the whole run; the last has the lowest rate.
        total_steps: u64,
    },
}

/// Shape of one cycle: PyTorch's defaults.
const RISE: f64 = 0.3;
const START: f64 = 25.0;
const END: f64 = 1e4;

impl Schedule {
    /// Returns one cycle of `total_steps` with its highest rate at `peak`.
    #[must_use]
    pub fn one_cycle(peak: f64, total_steps: u64) -> Self {
        Self::OneCycle { peak, total_steps }
    }

    /// Returns the learning rate of a step, counted from 0.
    ///
    /// After the end of the schedule it stays at its last value.
    #[must_use]
    pub fn at(&self, step: u64) -> f64 {
        match *self {
            Self::Constant { rate } => rate,
            Self::WarmupCosine { peak, warmup_steps, .. } if step < warmup_steps => {
                peak * (step + 1) as f64 / warmup_steps as f64
            }
            Self::WarmupCosine { peak, warmup_steps, total_steps } => {
                let length = total_steps.saturating_sub(warmup_steps).max(1) as f64;
                cosine(peak, 0.0, (step - warmup_steps) as f64 / length)
            }
            Self::OneCycle { peak, total_steps } => {
                let (first, last) = (peak / START, peak / START / END);
                let (step, end) = (step as f64, total_steps as f64 - 1.0);
                let turn = RISE * total_steps as f64 - 1.0;
                if step <= turn {
                    cosine(first, peak, step / turn)
                } else {
                    cosine(peak, last, (step - turn) / (end - turn))
                }
            }
        }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// If a rate is negative or not finite, or the warm-up is longer than the run.
    ///
    /// # Example
    /// ```
    /// use selfsame_optim::Schedule;
    ///
    /// assert!(Schedule::one_cycle(0.1, 100).validate().is_ok());
    /// assert!(Schedule::Constant { rate: f64::NAN }.validate().is_err());
    /// ```
    pub fn validate(&self) -> Result<(), ConfigError> {
        let (key, rate) = match *self {
            Self::Constant { rate } => ("rate", rate),
            Self::WarmupCosine { peak, .. } | Self::OneCycle { peak, .. } => ("peak", peak),
        };
        ConfigError::at_least_zero(key, rate)?;
        match *self {
            Self::WarmupCosine { warmup_steps, total_steps, .. } if warmup_steps > total_steps => {
                let reason = format!("{warmup_steps} is more than total_steps {total_steps}");
                Err(ConfigError { key: "warmup_steps", reason })
            }
            _ => Ok(()),
        }
    }
}

/// Interpolates along half a cosine as `share` goes from 0 to 1, and is constant outside.
fn cosine(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) / 2.0 * (1.0 + (PI * share.clamp(0.0, 1.0)).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cycle_has_the_values_of_pytorch() {
        let schedule = Schedule::one_cycle(1.0, 10);
        // The rise ends at step 0.3 · 10 − 1 = 2, the fall at step 9.
        let want = [(0, 0.04), (1, 0.52), (2, 1.0), (9, 4e-6), (50, 4e-6)];
        for (step, rate) in want {
            assert!((schedule.at(step) - rate).abs() < 1e-12, "{step}: {}", schedule.at(step));
        }
        assert!(schedule.at(5) > 0.5 && schedule.at(6) < 0.5);
    }

    #[test]
    fn even_the_shortest_runs_have_finite_rates() {
        for total_steps in 0..6 {
            for step in 0..8 {
                let one_cycle = Schedule::one_cycle(0.1, total_steps).at(step);
                let warmup = Schedule::WarmupCosine { peak: 0.1, warmup_steps: 0, total_steps };
                for rate in [one_cycle, warmup.at(step)] {
                    assert!(
                        (0.0..=0.1 + 1e-12).contains(&rate),
                        "{rate} at {step} of {total_steps}"
                    );
                }
            }
        }
    }

    #[test]
    fn a_bad_key_is_named() {
        let bad = Schedule::WarmupCosine { peak: 0.1, warmup_steps: 9, total_steps: 3 };
        assert!(bad.validate().unwrap_err().to_string().contains("warmup_steps"));
        assert!(Schedule::Constant { rate: f64::NAN }.validate().is_err());
        let text = r#"{"name":"constant","rate":0.1,"speed":3}"#;
        assert!(serde_json::from_str::<Schedule>(text).unwrap_err().to_string().contains("speed"));
    }
}
