//! Numbers as functions of the step: learning rates, momentum, temperatures, weight decay.

use std::f64::consts::PI;

use serde::{Deserialize, Serialize};

use crate::ConfigError;

/// A number as a function of the step, counted from 0.
///
/// The length of the run is not part of it, so the same schedule serves runs of any length. A
/// learning rate is one such number; the momentum of a target network, a temperature and a weight
/// decay are others.
///
/// # Example
/// ```
/// use selfsame_optim::Schedule;
///
/// let rate = Schedule::warmup_cosine(2.0, 4);
/// assert_eq!(rate.at(0, 14), 0.5);
/// assert_eq!(rate.at(4, 14), 2.0);
/// assert!((rate.at(9, 14) - 1.0).abs() < 1e-12);
///
/// let momentum = Schedule::cosine(0.996, 1.0);
/// assert!((momentum.at(50, 100) - 0.998).abs() < 1e-12);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// The same value at every step.
    Constant {
        /// The value.
        value: f64,
    },
    /// A straight line from `first` to `last`.
    Linear {
        /// The value at step 0.
        first: f64,
        /// The value at step `total_steps` and after it.
        last: f64,
    },
    /// Half a cosine from `first` to `last`, flat at both ends.
    ///
    /// From a momentum `m₀` to 1 this is `1 − (1 − m₀) (cos(π k / K) + 1) / 2` at step `k` of `K`,
    /// the momentum of BYOL's target: Grill et al., 2020,
    /// [arXiv:2006.07733](https://arxiv.org/abs/2006.07733), section 3.3.
    Cosine {
        /// The value at step 0.
        first: f64,
        /// The value at step `total_steps` and after it.
        last: f64,
    },
    /// Linear warm-up to `peak`, then half a cosine to `last`.
    ///
    /// Loshchilov & Hutter, 2017, [arXiv:1608.03983](https://arxiv.org/abs/1608.03983), without
    /// restarts, with the linear warm-up of Goyal et al., 2017.
    WarmupCosine {
        /// The value at step `warmup_steps`, where the cosine begins.
        peak: f64,
        /// Steps of the warm-up; step `n` of it has `(n + 1) / warmup_steps` of the peak.
        warmup_steps: u64,
        /// The value at step `total_steps` and after it; 0 by default.
        #[serde(default)]
        last: f64,
    },
    /// Half a cosine up from `peak / 25` over the first three tenths, then down to `peak / 250000`.
    ///
    /// Smith & Topin, 2018, [arXiv:1708.07120](https://arxiv.org/abs/1708.07120), as PyTorch's
    /// `OneCycleLR` with its defaults, but with constant momentum. The last value is that of step
    /// `total_steps − 1`. Deviation: the one step of a run of one has the peak, not the last value,
    /// with which nothing would be learned.
    OneCycle {
        /// The highest value.
        peak: f64,
    },
}

/// Shape of one cycle: PyTorch's defaults.
const RISE: f64 = 0.3;
const START: f64 = 25.0;
const END: f64 = 1e4;

impl Schedule {
    /// Returns the same value at every step.
    #[must_use]
    pub fn constant(value: f64) -> Self {
        Self::Constant { value }
    }

    /// Returns a straight line from `first` to `last`.
    #[must_use]
    pub fn linear(first: f64, last: f64) -> Self {
        Self::Linear { first, last }
    }

    /// Returns half a cosine from `first` to `last`.
    #[must_use]
    pub fn cosine(first: f64, last: f64) -> Self {
        Self::Cosine { first, last }
    }

    /// Returns a linear warm-up of `warmup_steps` to `peak`, then half a cosine to 0.
    #[must_use]
    pub fn warmup_cosine(peak: f64, warmup_steps: u64) -> Self {
        Self::WarmupCosine { peak, warmup_steps, last: 0.0 }
    }

    /// Returns one cycle with its highest value at `peak`.
    #[must_use]
    pub fn one_cycle(peak: f64) -> Self {
        Self::OneCycle { peak }
    }

    /// Returns the value at a step, counted from 0, of a run of `total_steps`.
    ///
    /// After the end of the run it stays at its last value.
    #[must_use]
    pub fn at(&self, step: u64, total_steps: u64) -> f64 {
        match *self {
            Self::Constant { value } => value,
            Self::Linear { first, last } => {
                let share = share(step, total_steps);
                first * (1.0 - share) + last * share
            }
            Self::Cosine { first, last } => half_cosine(first, last, share(step, total_steps)),
            Self::WarmupCosine { peak, warmup_steps, .. } if step < warmup_steps => {
                peak * (step + 1) as f64 / warmup_steps as f64
            }
            Self::WarmupCosine { peak, warmup_steps, last } => {
                let length = total_steps.saturating_sub(warmup_steps).max(1) as f64;
                half_cosine(peak, last, (step - warmup_steps) as f64 / length)
            }
            Self::OneCycle { peak } if total_steps == 1 && step == 0 => peak,
            Self::OneCycle { peak } => {
                let (first, last) = (peak / START, peak / START / END);
                let (step, end) = (step as f64, total_steps as f64 - 1.0);
                let turn = RISE * total_steps as f64 - 1.0;
                if step <= turn {
                    half_cosine(first, peak, step / turn)
                } else {
                    half_cosine(peak, last, (step - turn) / (end - turn))
                }
            }
        }
    }

    /// Returns the highest value that the schedule reaches.
    ///
    /// # Example
    /// ```
    /// use selfsame_optim::Schedule;
    ///
    /// assert_eq!(Schedule::warmup_cosine(0.3, 10).peak(), 0.3);
    /// assert_eq!(Schedule::cosine(0.996, 1.0).peak(), 1.0);
    /// ```
    #[must_use]
    pub fn peak(&self) -> f64 {
        match *self {
            Self::Constant { value } => value,
            Self::Linear { first, last } | Self::Cosine { first, last } => first.max(last),
            Self::WarmupCosine { peak, last, .. } => peak.max(last),
            Self::OneCycle { peak } => peak,
        }
    }

    /// Checks the settings of any number, for a run of `total_steps`.
    ///
    /// # Errors
    /// If a value is not finite, or the warm-up is longer than the run.
    ///
    /// # Example
    /// ```
    /// use selfsame_optim::Schedule;
    ///
    /// assert!(Schedule::linear(-1.0, 1.0).validate(100).is_ok());
    /// assert!(Schedule::constant(f64::NAN).validate(100).is_err());
    /// assert!(Schedule::warmup_cosine(0.1, 200).validate(100).is_err());
    /// ```
    pub fn validate(&self, total_steps: u64) -> Result<(), ConfigError> {
        for (key, value) in self.values() {
            ConfigError::finite(key, value)?;
        }
        match *self {
            Self::WarmupCosine { warmup_steps, .. } if warmup_steps > total_steps => {
                let reason = format!(
                    "{warmup_steps} steps are more than the {total_steps} of the run; shorten the \
                     warm-up or train for longer"
                );
                Err(ConfigError { key: "warmup_steps", reason })
            }
            _ => Ok(()),
        }
    }

    /// Checks the settings of a learning rate, for a run of `total_steps`.
    ///
    /// # Errors
    /// If [`validate`](Self::validate) fails, or a value is negative.
    ///
    /// # Example
    /// ```
    /// use selfsame_optim::Schedule;
    ///
    /// assert!(Schedule::one_cycle(0.1).validate_rate(100).is_ok());
    /// assert!(Schedule::linear(0.1, -0.1).validate_rate(100).is_err());
    /// ```
    pub fn validate_rate(&self, total_steps: u64) -> Result<(), ConfigError> {
        for (key, value) in self.values() {
            ConfigError::at_least_zero(key, value)?;
        }
        self.validate(total_steps)
    }

    fn values(&self) -> Vec<(&'static str, f64)> {
        match *self {
            Self::Constant { value } => vec![("value", value)],
            Self::Linear { first, last } | Self::Cosine { first, last } => {
                vec![("first", first), ("last", last)]
            }
            Self::WarmupCosine { peak, last, .. } => vec![("peak", peak), ("last", last)],
            Self::OneCycle { peak } => vec![("peak", peak)],
        }
    }
}

/// The share of a run that has passed, in `[0, 1]`; a run of no steps is over.
fn share(step: u64, total_steps: u64) -> f64 {
    if step < total_steps { step as f64 / total_steps as f64 } else { 1.0 }
}

/// Interpolates along half a cosine as `share` goes from 0 to 1, and is constant outside.
fn half_cosine(from: f64, to: f64, share: f64) -> f64 {
    to + (from - to) / 2.0 * (1.0 + (PI * share.clamp(0.0, 1.0)).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asserts the values `(step, value)` of a run of `total_steps`.
    fn assert_values(schedule: Schedule, total_steps: u64, want: &[(u64, f64)]) {
        for &(step, value) in want {
            let found = schedule.at(step, total_steps);
            assert!((found - value).abs() < 1e-12, "{schedule:?} at {step}: {found}, not {value}");
        }
    }

    #[test]
    fn one_cycle_has_the_values_of_pytorch() {
        let schedule = Schedule::one_cycle(1.0);
        // The rise ends at step 0.3 · 10 − 1 = 2, the fall at step 9.
        let want = [(0, 0.04), (1, 0.52), (2, 1.0), (9, 4e-6), (50, 4e-6)];
        assert_values(schedule, 10, &want);
        assert!(schedule.at(5, 10) > 0.5 && schedule.at(6, 10) < 0.5);
    }

    #[test]
    fn the_shapes_have_values_worked_by_hand() {
        assert_values(Schedule::constant(0.3), 4, &[(0, 0.3), (4, 0.3), (9, 0.3)]);
        let linear = [(0, 1.0), (1, 0.75), (3, 0.25), (4, 0.0), (9, 0.0)];
        assert_values(Schedule::linear(1.0, 0.0), 4, &linear);
        // cos(π / 3) = 1/2, cos(2 π / 3) = −1/2
        let cosine = [(0, 4.0), (1, 3.0), (2, 1.0), (3, 0.0), (9, 0.0)];
        assert_values(Schedule::cosine(4.0, 0.0), 3, &cosine);
        let warmup = [(0, 0.5), (1, 1.0), (2, 1.0), (3, 0.8), (4, 0.4), (5, 0.2), (9, 0.2)];
        let schedule = Schedule::WarmupCosine { peak: 1.0, warmup_steps: 2, last: 0.2 };
        assert_values(schedule, 5, &warmup);
    }

    #[test]
    fn half_a_cosine_to_1_is_the_momentum_of_byol() {
        let (first, total) = (0.99, 20);
        for step in 0..=total {
            let angle = PI * step as f64 / total as f64;
            let want = 1.0 - (1.0 - first) * (angle.cos() + 1.0) / 2.0;
            assert_values(Schedule::cosine(first, 1.0), total, &[(step, want)]);
        }
    }

    #[test]
    fn the_peak_is_the_highest_value() {
        for (schedule, want) in [
            (Schedule::constant(0.5), 0.5),
            (Schedule::linear(0.1, 0.4), 0.4),
            (Schedule::cosine(0.7, 0.4), 0.7),
            (Schedule::warmup_cosine(0.2, 3), 0.2),
            (Schedule::one_cycle(3.0), 3.0),
        ] {
            assert!((schedule.peak() - want).abs() < 1e-15, "{schedule:?}");
            let highest = (0..=100).map(|step| schedule.at(step, 100)).fold(f64::MIN, f64::max);
            assert!((highest - want).abs() < 1e-12, "{schedule:?} reaches {highest}");
        }
    }

    #[test]
    fn even_the_shortest_runs_have_finite_values() {
        let schedules = [
            Schedule::one_cycle(0.1),
            Schedule::warmup_cosine(0.1, 0),
            Schedule::linear(0.1, 0.0),
            Schedule::cosine(0.0, 0.1),
        ];
        for (schedule, total_steps) in schedules.iter().flat_map(|s| (0..6).map(move |t| (s, t))) {
            for step in 0..8 {
                let value = schedule.at(step, total_steps);
                assert!(
                    (0.0..=0.1 + 1e-12).contains(&value),
                    "{schedule:?}: {value} at {step} of {total_steps}"
                );
            }
        }
        for schedule in [Schedule::linear(3.0, 2.0), Schedule::cosine(3.0, 2.0)] {
            assert_values(schedule, 0, &[(0, 2.0), (1, 2.0)]);
            assert_values(schedule, 1, &[(0, 3.0), (1, 2.0)]);
        }
    }

    #[test]
    fn the_first_steps_of_the_shortest_runs_have_a_rate_to_learn_with() {
        for schedule in [
            Schedule::one_cycle(1.0),
            Schedule::warmup_cosine(1.0, 1),
            Schedule::warmup_cosine(1.0, 0),
            Schedule::cosine(1.0, 0.0),
            Schedule::linear(1.0, 0.0),
        ] {
            for total_steps in 1..5 {
                let highest = (0..total_steps).map(|step| schedule.at(step, total_steps));
                let highest = highest.fold(0.0, f64::max);
                assert!(highest > 0.5, "{schedule:?} of {total_steps} reaches {highest}");
            }
        }
    }

    #[test]
    fn a_bad_key_is_named_with_a_remedy() {
        let error = Schedule::warmup_cosine(0.1, 9).validate(3).unwrap_err().to_string();
        assert!(error.contains("warmup_steps") && error.contains("shorten"), "{error}");
        assert!(Schedule::warmup_cosine(0.1, 3).validate(3).is_ok());
        let error = Schedule::cosine(0.1, f64::INFINITY).validate(3).unwrap_err().to_string();
        assert!(error.contains("last"), "{error}");
        let text = r#"{"name":"constant","value":0.1,"speed":3}"#;
        assert!(serde_json::from_str::<Schedule>(text).unwrap_err().to_string().contains("speed"));
    }

    #[test]
    fn only_learning_rates_must_not_be_negative() {
        let schedule = Schedule::linear(-0.1, 0.1);
        assert!(schedule.validate(3).is_ok());
        assert!(schedule.validate_rate(3).unwrap_err().to_string().contains("first"));
        assert!(Schedule::constant(f64::NAN).validate_rate(3).is_err());
        assert!(Schedule::warmup_cosine(0.1, 9).validate_rate(3).is_err());
    }

    #[test]
    fn the_end_of_a_warmup_cosine_is_0_unless_it_is_given() {
        let text = r#"{"name":"warmup_cosine","peak":0.5,"warmup_steps":2}"#;
        let schedule: Schedule = serde_json::from_str(text).unwrap();
        assert_eq!(schedule, Schedule::warmup_cosine(0.5, 2));
        let text = serde_json::to_string(&Schedule::cosine(0.996, 1.0)).unwrap();
        assert_eq!(text, r#"{"name":"cosine","first":0.996,"last":1.0}"#);
    }
}
