//! Presets: the published recipe of every method, as values.

use selfsame_augment::Recipe;
use selfsame_models::{BackboneConfig, MethodConfig, MethodName};
use selfsame_optim::{OptimizerConfig, Schedule};
use serde::{Deserialize, Serialize};

use crate::TrainerConfig;

mod cifar10;
mod imagenet;
mod laptop;
mod shapes;

/// The published recipe of a method: views, encoder, head, losses' numbers, optimizer and its
/// schedule, as values that are printed, saved, read and changed.
///
/// Its [`source`](Self::source) says where it was published, and what of it is not here. The page
/// of presets shows all of them, with what none of them has from its source.
///
/// The rate rises linearly over `warmup_epochs`, then falls along half a cosine to `last_rate`.
///
/// # Example
/// ```
/// use selfsame_models::{MethodConfig, MethodName};
/// use selfsame_train::Preset;
///
/// let preset = Preset::cifar10(MethodName::MocoV2);
/// assert_eq!((preset.rate, preset.batch_size, preset.epochs), (0.3, 256, 1000));
/// let MethodConfig::MocoV2(method) = &preset.method else { panic!("{:?}", preset.method) };
/// assert_eq!((method.temperature, method.queue), (0.2, 32_768));
///
/// // A hundredth of the epochs, in smaller batches, of 50,000 images.
/// let config = preset.training(10, 128, 390);
/// assert_eq!(config.epochs, 10);
/// assert_eq!(config.schedule.peak(), 0.15);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Where the recipe was published, and what differs from there. A recipe that is ours begins
    /// with `ours`, and says what it was made from.
    pub source: String,
    /// The encoder.
    pub backbone: BackboneConfig,
    /// The views.
    pub recipe: Recipe,
    /// The method with its head and its numbers.
    pub method: MethodConfig,
    /// The optimizer.
    pub optimizer: OptimizerConfig,
    /// The highest learning rate, for batches of `batch_size`.
    pub rate: f64,
    /// Samples in a batch.
    pub batch_size: usize,
    /// Epochs of the warm-up.
    pub warmup_epochs: u64,
    /// The learning rate at the end, for batches of `batch_size`.
    pub last_rate: f64,
    /// Passes over the data.
    pub epochs: u64,
    /// The largest norm of all gradients together. Default: none.
    #[serde(default)]
    pub clip_norm: Option<f64>,
}

impl Preset {
    /// Returns the recipe for CIFAR-10: solo-learn's where it has the method, that of the method's
    /// authors otherwise, and the nearest published one where there is none.
    ///
    /// # Example
    /// ```
    /// use selfsame_models::MethodName;
    /// use selfsame_train::Preset;
    ///
    /// for &method in MethodName::ALL {
    ///     let preset = Preset::cifar10(method);
    ///     assert_eq!(preset.method.name(), method);
    ///     println!("{method}: {}", preset.source);
    /// }
    /// ```
    #[must_use]
    pub fn cifar10(method: MethodName) -> Self {
        cifar10::preset(method)
    }

    /// Returns the recipe for ImageNet: that of the method's authors, or the nearest published one
    /// where there is none.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::Recipe;
    /// use selfsame_models::MethodName;
    /// use selfsame_train::Preset;
    ///
    /// let preset = Preset::imagenet(MethodName::Byol);
    /// assert_eq!(preset.recipe, Recipe::byol_imagenet());
    /// assert_eq!((preset.rate, preset.batch_size), (3.2, 4096));
    /// ```
    #[must_use]
    pub fn imagenet(method: MethodName) -> Self {
        imagenet::preset(method)
    }

    /// Returns settings for the drawn shapes of `selfsame-datasets`, at 16 pixels, with a narrow
    /// encoder: ours, for runs of minutes on a CPU. They also learn from photographs, with other
    /// views.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::Recipe;
    /// use selfsame_models::MethodName;
    /// use selfsame_train::Preset;
    ///
    /// let preset = Preset::shapes(MethodName::BarlowTwins);
    /// assert_eq!(preset.recipe, Recipe::shapes(16));
    /// assert_eq!(preset.backbone.d_output(), 64);
    /// ```
    #[must_use]
    pub fn shapes(method: MethodName) -> Self {
        shapes::preset(method)
    }

    /// Returns the recipe for small images in an hour on a laptop, such as CIFAR-10 on two cores:
    /// EMP-SSL on patches of 16 pixels, with a network that is fast on a CPU. Ours.
    ///
    /// It has its own method. Its 30 epochs of CIFAR-10 take about four hours on two cores with
    /// AVX-512; a run of fewer has the same form.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::ViewMaker;
    /// use selfsame_models::MethodName;
    /// use selfsame_train::Preset;
    ///
    /// let preset = Preset::laptop();
    /// assert_eq!(preset.method.name(), MethodName::EmpSsl);
    /// // Trained on patches, evaluated on whole images.
    /// assert_eq!(preset.recipe.view_dims(0), [3, 16, 16]);
    /// assert_eq!(preset.recipe.for_evaluation().view_dims(0), [3, 32, 32]);
    /// ```
    #[must_use]
    pub fn laptop() -> Self {
        laptop::preset()
    }

    /// Returns the highest learning rate for batches of another size: proportional to it.
    ///
    /// # Source
    /// Goyal et al., 2017, [arXiv:1706.02677](https://arxiv.org/abs/1706.02677), the linear scaling
    /// rule, which nearly all sources use. It is not meant for batches many times as large or as
    /// small, nor for Adam, whose rate some scale with the square root.
    ///
    /// # Example
    /// ```
    /// use selfsame_models::MethodName;
    /// use selfsame_train::Preset;
    ///
    /// let preset = Preset::imagenet(MethodName::SimSiam);
    /// assert_eq!((preset.rate_for(512), preset.rate_for(256)), (0.1, 0.05));
    /// ```
    #[must_use]
    pub fn rate_for(&self, batch_size: usize) -> f64 {
        self.rate * self.scale(batch_size)
    }

    /// Returns the settings of a run of `epochs`, with batches of `batch_size`, of which there are
    /// `steps_per_epoch`.
    ///
    /// Both rates are proportional to the batch. The warm-up is as long as published, or in a
    /// shorter run as long in proportion.
    ///
    /// # Example
    /// ```
    /// use selfsame_models::MethodName;
    /// use selfsame_optim::Schedule;
    /// use selfsame_train::Preset;
    ///
    /// let preset = Preset::cifar10(MethodName::BarlowTwins);
    /// let warmup = |epochs| match preset.training(epochs, 256, 195).schedule {
    ///     Schedule::WarmupCosine { warmup_steps, .. } => warmup_steps,
    ///     other => panic!("{other:?}"),
    /// };
    /// // 10 epochs of 1,000, and 1 of 100.
    /// assert_eq!((warmup(2000), warmup(1000), warmup(100)), (1950, 1950, 195));
    /// ```
    #[must_use]
    pub fn training(&self, epochs: u64, batch_size: usize, steps_per_epoch: u64) -> TrainerConfig {
        let share = epochs.min(self.epochs) as f64 / self.epochs.max(1) as f64;
        let warmup = self.warmup_epochs.saturating_mul(steps_per_epoch) as f64 * share;
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "steps, ≥ 0")]
        let warmup_steps = warmup.round() as u64;
        let last = self.last_rate * self.scale(batch_size);
        let schedule =
            Schedule::WarmupCosine { peak: self.rate_for(batch_size), warmup_steps, last };
        let clip_norm = self.clip_norm;
        TrainerConfig { clip_norm, ..TrainerConfig::new(epochs, self.optimizer, schedule) }
    }

    fn scale(&self, batch_size: usize) -> f64 {
        batch_size as f64 / self.batch_size as f64
    }
}

/// SGD as PyTorch's, with momentum 0.9 and without looking ahead.
fn sgd(weight_decay: f64) -> OptimizerConfig {
    OptimizerConfig::Sgd { momentum: 0.9, nesterov: false, weight_decay }
}

/// LARS whose steps are at most as long as those of SGD.
fn clipped_lars(trust: f64, weight_decay: f64) -> OptimizerConfig {
    OptimizerConfig::Lars { momentum: 0.9, weight_decay, trust, clip: true }
}

/// `AdamW` with the averages of MAE.
fn mae_adam_w() -> OptimizerConfig {
    OptimizerConfig::AdamW { betas: [0.9, 0.95], epsilon: 1e-8, weight_decay: 0.05 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use selfsame_augment::ViewMaker;
    use selfsame_models::VitConfig;

    /// Returns all presets, with the name of their data.
    fn all() -> impl Iterator<Item = (&'static str, Preset)> {
        let of_method = |&method: &MethodName| {
            [
                ("CIFAR-10", Preset::cifar10(method)),
                ("ImageNet", Preset::imagenet(method)),
                ("shapes", Preset::shapes(method)),
            ]
        };
        let all = MethodName::ALL.iter().flat_map(of_method);
        all.chain(std::iter::once(("laptop", Preset::laptop())))
    }

    #[test]
    fn every_preset_is_valid_and_fits_its_method() {
        for (data, preset) in all() {
            let name = preset.method.name();
            preset.recipe.validate().unwrap();
            preset.optimizer.validate().unwrap();
            let views = preset.recipe.view_count();
            assert!(name.views().contains(&views), "{name} for {data}: {views} views");
            let side = match data {
                "ImageNet" => 224,
                "CIFAR-10" => 32,
                "shapes" | "laptop" => 16,
                other => panic!("{other}"),
            };
            assert_eq!(preset.recipe.view_dims(0), [3, side, side], "{name} for {data}");
            let steps = 1_000_000 / preset.batch_size as u64;
            for epochs in [1, 3, preset.epochs, 2 * preset.epochs] {
                let config = preset.training(epochs, preset.batch_size, steps);
                config.schedule.validate_rate(epochs * steps).unwrap();
                assert_eq!(config.schedule.peak().to_bits(), preset.rate.to_bits());
            }
            assert!(preset.last_rate <= preset.rate && preset.source.len() > 10, "{name}");
        }
    }

    #[test]
    fn every_preset_is_read_as_it_was_written() {
        for (_, preset) in all() {
            let text = serde_json::to_string(&preset).unwrap();
            assert_eq!(serde_json::from_str::<Preset>(&text).unwrap(), preset);
        }
        let text = serde_json::to_string(&Preset::cifar10(MethodName::Byol)).unwrap();
        let text = text.replace("\"rate\"", "\"speed\"");
        assert!(serde_json::from_str::<Preset>(&text).unwrap_err().to_string().contains("speed"));
    }

    #[test]
    fn tokens_fit_the_sides_of_all_views() {
        for (_, preset) in all() {
            let BackboneConfig::Vit(VitConfig { patch, .. }) = preset.backbone else { continue };
            let sides =
                (0..preset.recipe.view_count()).map(|view| preset.recipe.view_dims(view)[1]);
            assert!(sides.into_iter().all(|side| side.is_multiple_of(patch)), "{}", preset.source);
        }
    }

    #[test]
    fn a_smaller_batch_has_smaller_rates_and_the_same_clipping() {
        let preset = Preset { clip_norm: Some(2.0), ..Preset::imagenet(MethodName::BarlowTwins) };
        let config = preset.training(1000, 256, 5004);
        let schedule = Schedule::WarmupCosine { peak: 0.2, warmup_steps: 50_040, last: 2e-4 };
        let want = TrainerConfig {
            clip_norm: Some(2.0),
            ..TrainerConfig::new(1000, OptimizerConfig::lars(1e-6), schedule)
        };
        assert_eq!(config, want);
    }

    #[test]
    fn residual_blocks_begin_as_the_identity_where_the_authors_code_has_it() {
        for (method, begins) in [
            (MethodName::SimSiam, true),
            (MethodName::BarlowTwins, true),
            (MethodName::Vicreg, true),
            (MethodName::MocoV2, false),
        ] {
            let BackboneConfig::ResNet(resnet) = Preset::imagenet(method).backbone else {
                panic!("{method} for ImageNet has a ResNet")
            };
            assert_eq!(resnet.zero_init_last_norm, begins, "{method}");
        }
    }

    #[test]
    fn a_constant_rate_stays_constant() {
        let rate = 1e-3;
        let base = Preset::cifar10(MethodName::SimClr);
        let preset = Preset { rate, last_rate: rate, warmup_epochs: 0, ..base };
        let schedule = preset.training(5, 256, 10).schedule;
        assert!((0..50).all(|step| (schedule.at(step, 50) - rate).abs() < 1e-15));
    }

    /// Asserts what a configuration file of solo-learn says: optimizer, rate, and the rest that its
    /// files share.
    fn assert_solo(method: MethodName, recipe: &Recipe, optimizer: OptimizerConfig, rate: f64) {
        let preset = Preset::cifar10(method);
        assert!(preset.source.starts_with("solo-learn, scripts/pretrain/cifar"), "{method}");
        assert_eq!(preset.recipe, *recipe, "{method}");
        assert_eq!(preset.optimizer, optimizer, "{method}");
        assert_eq!(preset.rate.to_bits(), rate.to_bits(), "{method}");
        assert_eq!((preset.batch_size, preset.epochs, preset.warmup_epochs), (256, 1000, 10));
        assert_eq!(preset.clip_norm, None);
    }

    /// Returns the settings of a preset's method as JSON.
    fn settings(preset: &Preset) -> serde_json::Value {
        serde_json::to_value(&preset.method).unwrap()
    }

    /// Asserts some of the settings of a preset's method.
    fn assert_settings(preset: &Preset, want: &str) {
        let found = settings(preset);
        let want: serde_json::Value = serde_json::from_str(want).unwrap();
        for (key, want) in want.as_object().unwrap() {
            assert_eq!(&found[key], want, "{key} of {}", preset.method.name());
        }
    }

    fn solo_lars(weight_decay: f64) -> OptimizerConfig {
        OptimizerConfig::Lars { momentum: 0.9, weight_decay, trust: 0.02, clip: true }
    }

    #[test]
    fn the_files_of_solo_learn_are_spelled_out() {
        let (symmetric, weak) = (Recipe::symmetric_cifar(), Recipe::symmetric_weak_cifar());
        let asymmetric = Recipe::asymmetric_cifar();
        let sgd =
            |weight_decay| OptimizerConfig::Sgd { momentum: 0.9, nesterov: false, weight_decay };
        assert_solo(MethodName::SimClr, &symmetric, solo_lars(1e-4), 0.4);
        assert_solo(MethodName::SimSiam, &weak, sgd(1e-5), 0.5);
        assert_solo(MethodName::BarlowTwins, &asymmetric, solo_lars(1e-4), 0.3);
        assert_solo(MethodName::Vicreg, &Recipe::vicreg_cifar(), solo_lars(1e-4), 0.3);
        assert_solo(MethodName::Byol, &asymmetric, solo_lars(1e-5), 1.0);
        assert_solo(MethodName::MocoV2, &weak, sgd(1e-4), 0.3);
        assert_solo(MethodName::Dino, &asymmetric, solo_lars(1e-6), 0.3);
        assert_solo(MethodName::Vibcreg, &Recipe::vicreg_cifar(), solo_lars(1e-4), 0.3);
        assert_solo(MethodName::MocoV3, &asymmetric, solo_lars(1e-6), 0.3);
        assert_solo(MethodName::Nnclr, &asymmetric, solo_lars(1e-5), 0.4);
        assert_solo(MethodName::Swav, &Recipe::swav_cifar(), solo_lars(1e-6), 0.6);
        assert_solo(MethodName::Ressl, &Recipe::ressl_cifar(), sgd(1e-4), 0.05);
        let adam = OptimizerConfig::adam(1e-6);
        assert_solo(MethodName::WMse, &Recipe::w_mse_cifar(), adam, 2e-3);
        assert_solo(MethodName::SupCon, &symmetric, sgd(1e-5), 0.4);
        assert_solo(MethodName::Mae, &Recipe::mae_cifar(), mae_adam_w(), 2e-4);
        for (method, want) in [
            (MethodName::SimClr, r#"{"d_hidden": 2048, "d_output": 256, "temperature": 0.2}"#),
            (MethodName::SimSiam, r#"{"d_output": 2048, "d_predictor": 512, "layers": 3}"#),
            (
                MethodName::BarlowTwins,
                r#"{"d_output": 2048, "off_diagonal": 0.0051, "scale": 0.1}"#,
            ),
            (MethodName::Vicreg, r#"{"invariance": 25.0, "variance": 50.0, "covariance": 1.0}"#),
            (MethodName::Byol, r#"{"momentum": {"name": "cosine", "first": 0.99, "last": 1.0}}"#),
            (MethodName::MocoV2, r#"{"d_hidden": 2048, "queue": 32768, "momentum": 0.99}"#),
            (
                MethodName::Dino,
                r#"{"d_hidden": 2048, "d_bottleneck": 256, "d_output": 4096, "frozen_epochs": 1,
                    "student_temperature": 0.1, "teacher_temperature": 0.07,
                    "momentum": {"name": "cosine", "first": 0.9995, "last": 1.0}}"#,
            ),
            (MethodName::Vibcreg, r#"{"d_output": 2048, "groups": 64, "correlation": 200.0}"#),
            (
                MethodName::MocoV3,
                r#"{"d_hidden": 4096, "d_output": 256, "layers": 2, "temperature": 0.2,
                    "momentum": {"name": "cosine", "first": 0.99, "last": 1.0}}"#,
            ),
            (
                MethodName::Nnclr,
                r#"{"d_hidden": 2048, "d_output": 256, "d_predictor": 4096, "temperature": 0.2,
                    "queue": 65536}"#,
            ),
            (
                MethodName::Swav,
                r#"{"d_hidden": 2048, "d_output": 128, "prototypes": 3000, "temperature": 0.1,
                    "queue": 3840, "queue_epoch": 50, "frozen_epochs": 2}"#,
            ),
            (
                MethodName::Ressl,
                r#"{"d_hidden": 4096, "d_output": 256, "student_temperature": 0.1,
                    "teacher_temperature": 0.04, "momentum": 0.99, "queue": 65536}"#,
            ),
            (MethodName::WMse, r#"{"d_hidden": 1024, "d_output": 64, "rows": 128}"#),
            (MethodName::SupCon, r#"{"d_hidden": 2048, "d_output": 256, "temperature": 0.2}"#),
            (
                MethodName::Mae,
                r#"{"mask_ratio": 0.75, "normalize_targets": true, "d_decoder": 512,
                    "decoder_depth": 8, "decoder_heads": 16}"#,
            ),
        ] {
            assert_settings(&Preset::cifar10(method), want);
        }
    }

    /// Asserts rate, batch size, warm-up, last rate and epochs of a preset for ImageNet.
    fn assert_imagenet(
        method: MethodName,
        optimizer: OptimizerConfig,
        [rate, last_rate]: [f64; 2],
        [batch_size, warmup_epochs, epochs]: [u64; 3],
    ) {
        let preset = Preset::imagenet(method);
        assert_eq!(preset.optimizer, optimizer, "{method}");
        let rates = [preset.rate, preset.last_rate].map(f64::to_bits);
        assert_eq!(rates, [rate, last_rate].map(f64::to_bits), "{method}");
        let numbers = [preset.batch_size as u64, preset.warmup_epochs, preset.epochs];
        assert_eq!(numbers, [batch_size, warmup_epochs, epochs], "{method}");
    }

    #[test]
    fn the_authors_numbers_for_imagenet_are_spelled_out() {
        let lars = OptimizerConfig::lars;
        let sgd = OptimizerConfig::Sgd { momentum: 0.9, nesterov: false, weight_decay: 1e-4 };
        assert_imagenet(MethodName::SimClr, lars(1e-6), [4.8, 0.0], [4096, 10, 100]);
        assert_imagenet(MethodName::SimSiam, sgd, [0.1, 0.0], [512, 0, 100]);
        assert_imagenet(MethodName::BarlowTwins, lars(1e-6), [1.6, 1.6e-3], [2048, 10, 1000]);
        assert_imagenet(MethodName::Vicreg, lars(1e-6), [1.6, 1.6e-3], [2048, 10, 1000]);
        assert_imagenet(MethodName::Byol, lars(1.5e-6), [3.2, 0.0], [4096, 10, 1000]);
        assert_imagenet(MethodName::MocoV2, sgd, [0.03, 0.0], [256, 0, 200]);
        let adam_w = OptimizerConfig::adam_w;
        assert_imagenet(MethodName::Dino, adam_w(0.04), [2e-3, 1e-6], [1024, 10, 300]);
        assert_imagenet(MethodName::MocoV3, lars(1e-6), [4.8, 0.0], [4096, 10, 300]);
        assert_imagenet(MethodName::Nnclr, lars(1e-6), [4.8, 0.0], [4096, 10, 1000]);
        assert_imagenet(MethodName::Swav, lars(1e-6), [4.8, 4.8e-3], [4096, 10, 800]);
        assert_imagenet(MethodName::Ressl, sgd, [0.05, 0.0], [256, 5, 200]);
        assert_imagenet(MethodName::Tico, lars(1.5e-6), [0.2, 0.0], [256, 10, 100]);
        assert_imagenet(MethodName::Mmcr, lars(1e-6), [6.4, 6.4e-3], [2048, 10, 100]);
        assert_imagenet(MethodName::DirectClr, lars(1e-6), [4.8, 4.8e-3], [4096, 10, 100]);
        assert_imagenet(MethodName::Mae, mae_adam_w(), [2.4e-3, 0.0], [4096, 40, 800]);
        assert_imagenet(MethodName::Msn, adam_w(0.04), [1e-3, 1e-6], [1024, 15, 800]);
        assert_imagenet(MethodName::SimMim, adam_w(0.05), [4e-4, 4e-5], [2048, 10, 800]);
        assert_imagenet(MethodName::LeJepa, adam_w(0.05), [5e-4, 5e-7], [512, 1, 100]);
        assert_imagenet(MethodName::VisReg, adam_w(0.05), [9e-4, 9e-7], [128, 5, 100]);
        for (method, want) in [
            (MethodName::SimClr, r#"{"d_hidden": 2048, "d_output": 128, "temperature": 0.1}"#),
            (MethodName::SimSiam, r#"{"d_output": 2048, "d_predictor": 512, "layers": 3}"#),
            (
                MethodName::BarlowTwins,
                r#"{"d_output": 8192, "off_diagonal": 0.0051, "scale": 1.0}"#,
            ),
            (
                MethodName::Vicreg,
                r#"{"d_output": 8192, "invariance": 25.0, "variance": 25.0, "covariance": 1.0}"#,
            ),
            (
                MethodName::Byol,
                r#"{"d_hidden": 4096, "d_output": 256,
                    "momentum": {"name": "cosine", "first": 0.996, "last": 1.0}}"#,
            ),
            (
                MethodName::MocoV2,
                r#"{"d_hidden": 2048, "d_output": 128, "temperature": 0.2, "momentum": 0.999,
                    "queue": 65536}"#,
            ),
            (
                MethodName::Dino,
                r#"{"d_output": 65536, "normalize_hidden": false, "teacher_temperature": 0.07,
                    "warmup_teacher_temperature": 0.04, "warmup_teacher_epochs": 30.0}"#,
            ),
            (
                MethodName::Swav,
                r#"{"prototypes": 3000, "epsilon": 0.05, "iterations": 3, "frozen_epochs": 1,
                    "queue": 0}"#,
            ),
            (MethodName::DirectClr, r#"{"columns": 360, "temperature": 0.1}"#),
            (
                MethodName::Msn,
                r#"{"d_hidden": 2048, "d_output": 256, "prototypes": 1024, "mask_ratio": 0.15,
                    "temperature": 0.1, "sharpening": 0.25, "regularization": 1.0}"#,
            ),
            (MethodName::SimMim, r#"{"mask_ratio": 0.6, "mask_side": 2}"#),
        ] {
            assert_settings(&Preset::imagenet(method), want);
        }
    }
}
