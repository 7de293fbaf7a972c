//! Parameters under a module path, with a custom optimizer or a custom schedule.

use burn::module::{ParamGroup, ParamGroupError};
use serde::{Deserialize, Serialize};

use crate::{ConfigError, OptimizerConfig, Schedule};

/// The parameters under a module path, with their optimizer and their schedule.
///
/// A path names whole components: `predictor` is the group of `predictor.output.weight`, but not
/// that of `predictors.weight` or of `online.predictor.weight`. Where a parameter is in more than
/// one group, the last one decides alone.
///
/// # Example
/// ```
/// use selfsame_optim::{ParameterGroup, Schedule};
///
/// let text = r#"{"path": "predictor", "schedule": {"name": "constant", "value": 0.05}}"#;
/// let group: ParameterGroup = serde_json::from_str(text).unwrap();
/// assert_eq!(group, ParameterGroup::new("predictor").with_schedule(Schedule::constant(0.05)));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ParameterGroup {
    /// Path of a module or of a parameter, such as `predictor` or `encoder.stem.weight`, from the
    /// top and without the name of the whole.
    pub path: String,
    /// Optimizer of these parameters; `None`, the default, is that of all others.
    #[serde(default)]
    pub optimizer: Option<OptimizerConfig>,
    /// Learning rate of these parameters; `None`, the default, is that of all others.
    #[serde(default)]
    pub schedule: Option<Schedule>,
}

impl ParameterGroup {
    /// Returns the parameters under `path`, with the optimizer and the schedule of all others.
    #[must_use]
    pub fn new(path: impl Into<String>) -> Self {
        Self { path: path.into(), optimizer: None, schedule: None }
    }

    /// Returns the group with a custom optimizer.
    #[must_use]
    pub fn with_optimizer(mut self, optimizer: OptimizerConfig) -> Self {
        self.optimizer = Some(optimizer);
        self
    }

    /// Returns the group with a custom learning rate.
    #[must_use]
    pub fn with_schedule(mut self, schedule: Schedule) -> Self {
        self.schedule = Some(schedule);
        self
    }

    /// Checks the path and the optimizer; the schedule is checked with the length of the run, by
    /// [`Schedule::validate_rate`].
    ///
    /// # Errors
    /// If the path is not made of names that are joined by dots, or the optimizer is not valid.
    ///
    /// # Example
    /// ```
    /// use selfsame_optim::ParameterGroup;
    ///
    /// assert!(ParameterGroup::new("blocks.0.weight").validate().is_ok());
    /// assert!(ParameterGroup::new("blocks.*").validate().is_err());
    /// ```
    pub fn validate(&self) -> Result<(), ConfigError> {
        let is_name = |name: &str| {
            !name.is_empty() && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_')
        };
        if !self.path.split('.').all(is_name) {
            let reason = format!(
                "`{}` is not a module path, such as `predictor` or `encoder.stem`",
                self.path
            );
            return Err(ConfigError { key: "path", reason });
        }
        self.optimizer.map_or(Ok(()), |optimizer| optimizer.validate())
    }
}

/// The last names of the paths of biases and of the scales and shifts of norms.
const VECTORS: &str = r"(^|\.)(bias|gamma|beta)$";

/// The parameters of a group, and those of them that do not decay.
#[derive(Clone, Debug)]
pub(crate) struct Members {
    pub(crate) all: ParamGroup,
    pub(crate) vectors: ParamGroup,
}

impl Members {
    /// Returns all parameters.
    pub(crate) fn everywhere() -> Result<Self, ConfigError> {
        Ok(Self { all: ParamGroup::all(), vectors: matching(vec![VECTORS])? })
    }

    /// Returns the parameters under the path of a valid group.
    pub(crate) fn of(group: &ParameterGroup) -> Result<Self, ConfigError> {
        group.validate()?;
        // A valid path has letters, digits, `_` and dots; only the dots mean more in a pattern.
        let inside = format!(r"^{}(\.|$)", group.path.replace('.', r"\."));
        let inside = inside.as_str();
        Ok(Self { all: matching(vec![inside])?, vectors: matching(vec![inside, VECTORS])? })
    }
}

/// Returns the parameters whose paths match all patterns.
fn matching(patterns: Vec<&str>) -> Result<ParamGroup, ConfigError> {
    ParamGroup::from_regexes(patterns).map_err(|error| {
        let ParamGroupError::InvalidPatternError(reason) = error;
        ConfigError { key: "path", reason }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::ParamId;

    fn is_in(group: &ParamGroup, path: &str) -> bool {
        group.matches(&ParamId::new(), Some(path))
    }

    #[test]
    fn a_path_matches_whole_components_from_the_top() {
        let members = Members::of(&ParameterGroup::new("head.predictor")).unwrap();
        for path in ["head.predictor", "head.predictor.weight", "head.predictor.norm.gamma"] {
            assert!(is_in(&members.all, path), "{path}");
        }
        for path in ["head.predictors.weight", "headXpredictor", "a.head.predictor", "head"] {
            assert!(!is_in(&members.all, path), "{path}");
        }
    }

    #[test]
    fn biases_and_norms_are_known_by_the_last_name() {
        let everywhere = Members::everywhere().unwrap();
        for path in ["bias", "encoder.stem.bias", "norm.gamma", "norm.beta"] {
            assert!(is_in(&everywhere.all, path) && is_in(&everywhere.vectors, path), "{path}");
        }
        for path in ["weight", "bias.weight", "unbias", "beta_schedule.weight"] {
            assert!(is_in(&everywhere.all, path) && !is_in(&everywhere.vectors, path), "{path}");
        }
        let predictor = Members::of(&ParameterGroup::new("predictor")).unwrap();
        assert!(is_in(&predictor.vectors, "predictor.norm.beta"));
        assert!(!is_in(&predictor.vectors, "encoder.norm.beta"));
        let bias = Members::of(&ParameterGroup::new("predictor.bias")).unwrap();
        assert!(is_in(&bias.vectors, "predictor.bias"));
    }

    #[test]
    fn what_is_no_path_is_named() {
        for path in ["", "a..b", ".a", "a.", "blocks.*", "a b"] {
            let error = ParameterGroup::new(path).validate().unwrap_err().to_string();
            assert!(error.contains("path") && error.contains(path), "{error}");
        }
        let momentum = OptimizerConfig::sgd(2.0, 0.0);
        assert!(ParameterGroup::new("a").with_optimizer(momentum).validate().is_err());
    }
}
