//! The optimizer of a whole module: groups of parameters, their rates, and clipping.

use burn::lr_scheduler::module_lr_scheduler::ModuleLrScheduler;
use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::{GradientsParams, ModuleOptimizer, OptimizerRecord};
use burn::store::RecordError;
use burn::tensor::{Bytes, Tensor};

use crate::group::Members;
use crate::{ConfigError, OptimizerConfig, ParameterGroup, Schedule, Sgd, clip_gradients};

/// The error of an optimizer's state that cannot be restored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OptimizerStateError {
    /// The bytes are not a record.
    #[error("this is not the state of an optimizer, or it is damaged")]
    Format(#[from] RecordError),
    /// The record has what these optimizers do not keep.
    #[error(
        "only {restored} of {saved} tensors of the state fit, so a different optimizer made it"
    )]
    Foreign {
        /// Tensors in the record.
        saved: usize,
        /// Those of them that could be restored.
        restored: usize,
    },
}

/// The optimizer of a module, with a learning rate per group of parameters.
///
/// Biases and the scales and shifts of norms have no weight decay, and plain SGD where the
/// optimizer is LARS. A parameter without a gradient stays unchanged. The rates are functions of
/// the step, so the state is only what the optimizers remember, such as velocities.
///
/// # Example
/// ```
/// use burn::nn::LinearConfig;
/// use burn::optim::GradientsParams;
/// use burn::tensor::{Device, Tensor};
/// use selfsame_optim::{GroupedOptimizer, OptimizerConfig, ParameterGroup, Schedule};
///
/// let bias = ParameterGroup::new("bias").with_schedule(Schedule::constant(0.0));
/// let (sgd, schedule) = (OptimizerConfig::sgd(0.9, 0.0), Schedule::one_cycle(0.1));
/// let mut optimizer = GroupedOptimizer::new(sgd, schedule, vec![bias], None)?;
///
/// let device = Device::flex().autodiff();
/// let layer = LinearConfig::new(2, 1).init(&device);
/// optimizer.check(&layer)?;
/// let before = layer.clone();
/// let loss = layer.forward(Tensor::<2>::ones([1, 2], &device)).sum();
/// let gradients = GradientsParams::from_grads(loss.backward(), &layer);
/// let layer = optimizer.step(0, 10, layer, gradients);
/// assert_ne!(layer.weight.val().into_data(), before.weight.val().into_data());
/// assert_eq!(layer.bias.unwrap().val().into_data(), before.bias.unwrap().val().into_data());
/// # Ok::<(), selfsame_optim::ConfigError>(())
/// ```
#[derive(Clone)]
pub struct GroupedOptimizer {
    optimizer: ModuleOptimizer,
    schedule: Schedule,
    groups: Vec<Group>,
    clip_norm: Option<f64>,
}

#[derive(Clone, Debug)]
struct Group {
    path: String,
    parameters: ParamGroup,
    schedule: Schedule,
}

impl std::fmt::Debug for GroupedOptimizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GroupedOptimizer")
            .field("schedule", &self.schedule)
            .field("groups", &self.groups)
            .field("clip_norm", &self.clip_norm)
            .finish_non_exhaustive()
    }
}

impl GroupedOptimizer {
    /// Creates the optimizer, without any state yet.
    ///
    /// `optimizer` and `schedule` are those of all parameters that are in none of the `groups`, and
    /// what a group does not set. The norm of all gradients together is clipped to `clip_norm`, as
    /// by [`clip_gradients`]; with `None` they stay unchanged.
    ///
    /// # Errors
    /// If an optimizer or the path of a group is not valid, a learning rate is negative or not
    /// finite, or `clip_norm` is not a finite number greater than 0.
    pub fn new(
        optimizer: OptimizerConfig,
        schedule: Schedule,
        groups: Vec<ParameterGroup>,
        clip_norm: Option<f64>,
    ) -> Result<Self, ConfigError> {
        optimizer.validate()?;
        if let Some(limit) = clip_norm
            && !(limit.is_finite() && limit > 0.0)
        {
            let reason = format!("{limit} is not a finite number greater than 0");
            return Err(ConfigError { key: "clip_norm", reason });
        }
        let everywhere = Members::everywhere()?;
        // The first one is that of parameters in no group, of which there are none.
        let sgd = Sgd { momentum: 0.0, nesterov: false, weight_decay: 0.0 };
        let mut all_of_them = optimizer.add_to(ModuleOptimizer::from(sgd), &everywhere);
        let mut with_schedules = Vec::with_capacity(groups.len());
        for group in groups {
            let members = Members::of(&group)?;
            all_of_them = group.optimizer.unwrap_or(optimizer).add_to(all_of_them, &members);
            with_schedules.push(Group {
                path: group.path,
                parameters: members.all,
                schedule: group.schedule.unwrap_or(schedule),
            });
        }
        let optimizer =
            Self { optimizer: all_of_them, schedule, groups: with_schedules, clip_norm };
        optimizer.check_rates(u64::MAX)?;
        Ok(optimizer)
    }

    /// Checks all learning rates for a run of `total_steps`.
    ///
    /// # Errors
    /// If a warm-up is longer than the run, as by [`Schedule::validate_rate`].
    pub fn check_rates(&self, total_steps: u64) -> Result<(), ConfigError> {
        self.schedule.validate_rate(total_steps)?;
        self.groups.iter().try_for_each(|group| group.schedule.validate_rate(total_steps))
    }

    /// Checks that each group has parameters in `module`.
    ///
    /// # Errors
    /// If no parameter is under the path of a group; the message lists the names at the top.
    ///
    /// # Example
    /// ```
    /// use burn::nn::LinearConfig;
    /// use burn::tensor::Device;
    /// use selfsame_optim::{GroupedOptimizer, OptimizerConfig, ParameterGroup, Schedule};
    ///
    /// let layer = LinearConfig::new(2, 1).init(&Device::flex());
    /// let group = ParameterGroup::new("weights");
    /// let (sgd, schedule) = (OptimizerConfig::sgd(0.9, 0.0), Schedule::constant(0.1));
    /// let optimizer = GroupedOptimizer::new(sgd, schedule, vec![group], None)?;
    /// let error = optimizer.check(&layer).unwrap_err().to_string();
    /// assert!(error.ends_with("under `weights`; at the top are `weight`, `bias`"), "{error}");
    /// # Ok::<(), selfsame_optim::ConfigError>(())
    /// ```
    pub fn check<M: Module>(&self, module: &M) -> Result<(), ConfigError> {
        let mut paths = Paths::default();
        module.visit(&mut paths);
        for group in &self.groups {
            let has =
                |(id, path): &(ParamId, String)| group.parameters.matches(id, Some(path.as_str()));
            if !paths.found.iter().any(has) {
                let reason = format!(
                    "no parameter is under `{}`; at the top are {}",
                    group.path,
                    paths.at_the_top().join(", ")
                );
                return Err(ConfigError { key: "groups", reason });
            }
        }
        Ok(())
    }

    /// Moves the parameters by one step, counted from 0, of a run of `total_steps`.
    #[must_use]
    pub fn step<M: Module>(
        &mut self,
        step: u64,
        total_steps: u64,
        module: M,
        gradients: GradientsParams,
    ) -> M {
        let gradients = match self.clip_norm {
            Some(limit) => clip_gradients(gradients, &module, limit),
            None => gradients,
        };
        // burn makes a learning rate per group in no other way than as the step of a scheduler.
        let mut rates = ModuleLrScheduler::new(self.rate(step, total_steps));
        for group in &self.groups {
            let rate = group.schedule.at(step, total_steps);
            rates = rates.with_group(group.parameters.clone(), rate);
        }
        self.optimizer.step(rates.step(), module, gradients)
    }

    /// Returns the learning rate at a step of the parameters that are in no group.
    #[must_use]
    pub fn rate(&self, step: u64, total_steps: u64) -> f64 {
        self.schedule.at(step, total_steps)
    }

    /// Returns the state of the optimizers, to be restored by [`load_bytes`](Self::load_bytes).
    ///
    /// The state is kept by the ids of the parameters, which are in the record of the module. The
    /// order of the parameters in the bytes is not fixed.
    ///
    /// # Errors
    /// If the state cannot be read from its device.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RecordError> {
        Ok(self.optimizer.into_bytes()?.to_vec())
    }

    /// Restores a state; the module's record must be restored as well, since it has the ids.
    ///
    /// # Errors
    /// If the bytes are not a record, or the record is one of different optimizers.
    ///
    /// # Example
    /// ```
    /// use selfsame_optim::{GroupedOptimizer, OptimizerConfig, Schedule};
    ///
    /// let (sgd, schedule) = (OptimizerConfig::sgd(0.9, 0.0), Schedule::constant(0.1));
    /// let optimizer = GroupedOptimizer::new(sgd, schedule, Vec::new(), None).unwrap();
    /// let saved = optimizer.to_bytes().unwrap();
    /// assert!(optimizer.clone().load_bytes(&saved).is_ok());
    /// assert!(optimizer.load_bytes(b"something else").is_err());
    /// ```
    pub fn load_bytes(self, bytes: &[u8]) -> Result<Self, OptimizerStateError> {
        let record = OptimizerRecord::from_bytes(Bytes::from_bytes_vec(bytes.to_vec()))?;
        let saved = record.len();
        let optimizer = self.optimizer.load_record(record);
        // burn passes over what it cannot restore; the run would resume without it.
        let restored = optimizer.to_record().len();
        if restored != saved {
            return Err(OptimizerStateError::Foreign { saved, restored });
        }
        Ok(Self { optimizer, ..self })
    }
}

/// The paths of all parameters of a module.
#[derive(Default)]
struct Paths {
    here: Vec<String>,
    found: Vec<(ParamId, String)>,
}

impl Paths {
    /// Returns the first names of the paths, in quotes, each once.
    fn at_the_top(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (_, path) in &self.found {
            let name = format!("`{}`", path.split('.').next().unwrap_or_default());
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }
}

impl ModuleVisitor for Paths {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.here.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.here.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.found.push((param.id, self.here.join(".")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::Initializer;
    use burn::nn::{Linear, LinearConfig};
    use burn::optim::AdamConfig;
    use burn::tensor::Device;

    #[derive(Module, Debug)]
    struct Pair {
        encoder: Linear,
        predictor: Linear,
    }

    fn device() -> Device {
        Device::flex().autodiff()
    }

    /// Two layers whose weights and biases are 1.
    fn pair() -> Pair {
        let layer = || LinearConfig::new(2, 2).with_initializer(Initializer::Ones).init(&device());
        Pair { encoder: layer(), predictor: layer() }
    }

    /// Gradients that are `slope` for every weight and bias.
    fn slopes(pair: &Pair, slope: f32) -> GradientsParams {
        let ones = Tensor::<2>::ones([1, 2], &device());
        let output = pair.encoder.forward(ones.clone()) + pair.predictor.forward(ones);
        GradientsParams::from_grads((output.sum() * slope).backward(), pair)
    }

    /// The first weight and the first bias of a layer.
    fn first(layer: &Linear) -> [f32; 2] {
        let weight = layer.weight.val().into_data().iter().next().unwrap();
        [weight, layer.bias.as_ref().unwrap().val().into_data().iter().next().unwrap()]
    }

    fn assert_close(found: [f32; 2], want: [f32; 2]) {
        let close = found.iter().zip(want).all(|(found, want)| (found - want).abs() < 1e-5);
        assert!(close, "{found:?}, not {want:?}");
    }

    /// SGD without momentum.
    fn plain(weight_decay: f64) -> OptimizerConfig {
        OptimizerConfig::Sgd { momentum: 0.0, nesterov: false, weight_decay }
    }

    fn constant(config: OptimizerConfig, rate: f64) -> GroupedOptimizer {
        GroupedOptimizer::new(config, Schedule::constant(rate), Vec::new(), None).unwrap()
    }

    #[test]
    fn groups_move_by_their_rates() {
        let group = ParameterGroup::new("predictor").with_schedule(Schedule::constant(0.25));
        let schedule = Schedule::linear(1.0, 0.0);
        let mut optimizer = GroupedOptimizer::new(plain(0.0), schedule, vec![group], None).unwrap();
        let mut pair = pair();
        // The rates are 1 and then 1/2 at steps 0 and 2 of 4.
        for (step, encoder, predictor) in [(0, 0.0, 0.75), (2, -0.5, 0.5)] {
            let gradients = slopes(&pair, 1.0);
            pair = optimizer.step(step, 4, pair, gradients);
            assert_close(first(&pair.encoder), [encoder; 2]);
            assert_close(first(&pair.predictor), [predictor; 2]);
        }
        assert!((optimizer.rate(1, 4) - 0.75).abs() < 1e-12);
    }

    #[test]
    fn the_last_group_of_a_parameter_decides_alone() {
        let groups = vec![
            ParameterGroup::new("predictor").with_optimizer(plain(0.5)),
            ParameterGroup::new("predictor.weight").with_schedule(Schedule::constant(0.25)),
        ];
        let schedule = Schedule::constant(0.5);
        let mut optimizer = GroupedOptimizer::new(plain(0.0), schedule, groups, None).unwrap();
        let pair = pair();
        let gradients = slopes(&pair, 1.0);
        let pair = optimizer.step(0, 1, pair, gradients);
        assert_close(first(&pair.encoder), [0.5, 0.5]);
        assert_close(first(&pair.predictor), [0.75, 0.5]);
    }

    #[test]
    fn a_group_has_its_weight_decay() {
        let group = ParameterGroup::new("predictor").with_optimizer(plain(0.5));
        let schedule = Schedule::constant(0.5);
        let mut optimizer = GroupedOptimizer::new(plain(0.1), schedule, vec![group], None).unwrap();
        let pair = pair();
        let gradients = slopes(&pair, 0.0);
        let pair = optimizer.step(0, 1, pair, gradients);
        assert_close(first(&pair.encoder), [1.0 - 0.5 * 0.1, 1.0]);
        assert_close(first(&pair.predictor), [1.0 - 0.5 * 0.5, 1.0]);
    }

    #[test]
    fn weights_decay_and_biases_do_not() {
        for (config, weight) in [
            // 1 − 0.1 (1 + 0.9), the step of Nesterov
            (OptimizerConfig::sgd(0.9, 0.1), 0.81),
            // A gradient of 0 has no length to compare with, so λ is 1.
            (OptimizerConfig::lars(0.1), 0.9),
            (OptimizerConfig::adam_w(0.1), 0.9),
        ] {
            let pair = pair();
            let gradients = slopes(&pair, 0.0);
            let pair = constant(config, 1.0).step(0, 1, pair, gradients);
            assert_close(first(&pair.encoder), [weight, 1.0]);
        }
    }

    #[test]
    fn lars_moves_biases_by_plain_sgd() {
        let pair = pair();
        let gradients = slopes(&pair, 3.0);
        let (momentum, weight_decay) = (0.9, 0.0);
        let lars = OptimizerConfig::Lars { momentum, weight_decay, trust: 0.1, clip: false };
        let pair = constant(lars, 0.5).step(0, 1, pair, gradients);
        // λ = 0.1 ‖w‖ / ‖3 w‖, so the weight moves by 0.5 · 0.1; the bias by 0.5 · 3.
        assert_close(first(&pair.encoder), [0.95, -0.5]);
    }

    #[test]
    fn a_parameter_without_a_gradient_stays() {
        let pair = pair();
        let ones = Tensor::<2>::ones([1, 2], &device());
        let loss = pair.encoder.forward(ones).sum();
        let gradients = GradientsParams::from_grads(loss.backward(), &pair);
        let pair = constant(OptimizerConfig::sgd(0.9, 0.1), 0.5).step(0, 1, pair, gradients);
        assert!(first(&pair.encoder)[0] < 1.0);
        assert_close(first(&pair.predictor), [1.0; 2]);
    }

    #[test]
    fn gradients_are_clipped_over_all_groups() {
        let group = ParameterGroup::new("predictor").with_schedule(Schedule::constant(2.0));
        let schedule = Schedule::constant(1.0);
        let mut optimizer =
            GroupedOptimizer::new(plain(0.0), schedule, vec![group], Some(6.0)).unwrap();
        let pair = pair();
        // 12 gradients of √3 have the norm 6, those of 2 √3 have twice that.
        let gradients = slopes(&pair, 2.0 * 3.0_f32.sqrt());
        let pair = optimizer.step(0, 1, pair, gradients);
        let root = 3.0_f32.sqrt();
        assert_close(first(&pair.encoder), [1.0 - root; 2]);
        assert_close(first(&pair.predictor), [1.0 - 2.0 * root; 2]);
    }

    #[test]
    fn an_optimizer_that_was_saved_resumes_with_the_same_bytes() {
        let bytes = |pair: &Pair| pair.predictor.weight.val().into_data().bytes().to_vec();
        for config in [
            OptimizerConfig::sgd(0.9, 5e-4),
            OptimizerConfig::lars(1e-4),
            OptimizerConfig::adam_w(0.05),
        ] {
            let fresh = || {
                let group = ParameterGroup::new("predictor").with_schedule(Schedule::constant(0.3));
                let schedule = Schedule::one_cycle(1.5);
                GroupedOptimizer::new(config, schedule, vec![group], Some(1.0)).unwrap()
            };
            let mut optimizer = fresh();
            let pair = pair();
            let gradients = slopes(&pair, 0.3);
            let pair = optimizer.step(0, 10, pair, gradients);
            let mut restored = fresh().load_bytes(&optimizer.to_bytes().unwrap()).unwrap();
            let next = |optimizer: &mut GroupedOptimizer| {
                bytes(&optimizer.step(1, 10, pair.clone(), slopes(&pair, -0.7)))
            };
            let want = next(&mut optimizer);
            assert_eq!(next(&mut restored), want);
            assert_ne!(next(&mut fresh()), want, "there was a state to restore");
        }
    }

    #[test]
    fn a_state_that_does_not_fit_is_refused() {
        let fresh = || constant(OptimizerConfig::sgd(0.9, 0.0), 0.1);
        let error = fresh().load_bytes(b"no record").unwrap_err();
        assert!(matches!(error, OptimizerStateError::Format(_)), "{error:?}");

        let pair = pair();
        let gradients = slopes(&pair, 1.0);
        let mut adam = AdamConfig::new().init();
        let _ = adam.step(0.1, pair, gradients);
        let error = fresh().load_bytes(&adam.into_bytes().unwrap()).unwrap_err();
        assert!(matches!(error, OptimizerStateError::Foreign { restored: 0, .. }), "{error:?}");
    }

    #[test]
    fn a_path_without_parameters_is_named_with_those_at_the_top() {
        let optimizer = |path: &str| {
            let groups = vec![ParameterGroup::new("encoder"), ParameterGroup::new(path)];
            GroupedOptimizer::new(plain(0.0), Schedule::constant(0.1), groups, None).unwrap()
        };
        assert!(optimizer("predictor.bias").check(&pair()).is_ok());
        let error = optimizer("predictors").check(&pair()).unwrap_err().to_string();
        assert!(error.contains("`predictors`"), "{error}");
        assert!(error.ends_with("`encoder`, `predictor`"), "{error}");
    }

    #[test]
    fn bad_settings_are_named() {
        let named = |schedule, groups, clip_norm| {
            let optimizer = GroupedOptimizer::new(plain(0.0), schedule, groups, clip_norm);
            optimizer.unwrap_err().to_string()
        };
        let rate = Schedule::constant(0.1);
        for limit in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let error = named(rate, Vec::new(), Some(limit));
            assert!(error.contains("clip_norm"), "{error}");
        }
        assert!(named(Schedule::constant(-0.1), Vec::new(), None).contains("value"));
        let group = ParameterGroup::new("a").with_schedule(Schedule::one_cycle(f64::NAN));
        assert!(named(rate, vec![group], None).contains("peak"));
        assert!(named(rate, vec![ParameterGroup::new("a.*")], None).contains("path"));
        let error = GroupedOptimizer::new(OptimizerConfig::sgd(1.0, 0.0), rate, Vec::new(), None);
        assert!(error.unwrap_err().to_string().contains("momentum"));
    }

    #[test]
    fn a_warm_up_longer_than_the_run_is_found_in_any_group() {
        let group = ParameterGroup::new("a").with_schedule(Schedule::warmup_cosine(0.1, 5));
        let rate = Schedule::constant(0.1);
        let optimizer = GroupedOptimizer::new(plain(0.0), rate, vec![group], None).unwrap();
        assert!(optimizer.check_rates(5).is_ok());
        assert!(optimizer.check_rates(4).unwrap_err().to_string().contains("warmup_steps"));
    }
}
