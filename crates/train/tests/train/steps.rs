//! Two optimizer steps of each method, against PyTorch (`tests/steps/make.py`).

use std::collections::HashMap;
use std::path::PathBuf;

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use selfsame_models::{
    AlignUniformConfig, BarlowTwinsConfig, Batch, ByolConfig, Clock, Context, DinoConfig,
    DirectClrConfig, EmpSslConfig, FastSiamConfig, FrosslConfig, LeJepaConfig, MaeConfig, Method,
    MmcrConfig, MocoV2Config, MocoV3Config, MsnConfig, NnclrConfig, ResNet, ResNetConfig,
    ResslConfig, SimClrConfig, SimMimConfig, SimSiamConfig, SupConConfig, SwavConfig, TicoConfig,
    VibcregConfig, VicregConfig, VisRegConfig, VitConfig, WMseConfig, from_safetensors,
    to_safetensors,
};
use selfsame_optim::{GroupedOptimizer, OptimizerConfig, ParameterGroup, Schedule};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Rounding of single precision, relative to the values and to 1.
const TOLERANCE: f32 = 2e-5;

/// The steps of one method, as PyTorch took them.
struct Expected<'a> {
    file: SafeTensors<'a>,
    about: Value,
}

impl Expected<'_> {
    fn values(&self, name: &str) -> Vec<f32> {
        let tensor = self.file.tensor(name).unwrap_or_else(|_| panic!("no `{name}` in the file"));
        let (values, _) = tensor.data().as_chunks::<4>();
        values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }

    /// The names under a prefix such as `before.`, without it.
    fn names(&self, prefix: &str) -> Vec<String> {
        let names = self.file.names().into_iter();
        let mut names: Vec<String> =
            names.filter_map(|name| name.strip_prefix(prefix)).map(str::to_owned).collect();
        names.sort();
        names
    }

    fn number(&self, path: &str) -> f64 {
        self.about.pointer(path).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {path}"))
    }

    fn size(&self, name: &str) -> usize {
        self.number(&format!("/config/{name}")) as usize
    }

    /// The settings of the method, as its config reads them.
    fn settings<C: DeserializeOwned>(&self) -> C {
        serde_json::from_value(self.about["config"].clone()).unwrap()
    }

    /// The numbers of a list, such as the labels; none if there is no such list.
    fn list(&self, name: &str) -> Vec<usize> {
        self.about
            .get(name)
            .map_or_else(Vec::new, |list| serde_json::from_value(list.clone()).unwrap())
    }

    /// What `before` says, as a file of weights.
    fn before(&self) -> Vec<u8> {
        let names = self.names("before.");
        let tensor = |name: &String| {
            let tensor = self.file.tensor(&format!("before.{name}")).unwrap();
            TensorView::new(Dtype::F32, tensor.shape().to_vec(), tensor.data()).unwrap()
        };
        let views: Vec<_> = names.iter().map(|name| (name.as_str(), tensor(name))).collect();
        safetensors::serialize(views, None).unwrap()
    }

    fn views(&self, step: usize, device: &Device) -> Batch {
        let prefix = format!("view{step}.");
        let view = |name: &String| {
            let name = format!("{prefix}{name}");
            let dims = self.file.tensor(&name).unwrap().shape().to_vec();
            Tensor::<4>::from_data(TensorData::new(self.values(&name), dims), device)
        };
        Batch::new(self.names(&prefix).iter().map(view).collect())
            .with_indices(self.list("indices"))
            .with_labels(self.list("labels").into_iter().map(Some).collect())
    }
}

fn assert_close(what: &str, found: &[f32], want: &[f32]) {
    assert_eq!(found.len(), want.len(), "{what}");
    for (index, (found, want)) in found.iter().zip(want).enumerate() {
        let apart = (found - want).abs();
        assert!(apart <= TOLERANCE * (1.0 + want.abs()), "{what}[{index}]: {found} for {want}");
    }
}

fn take_steps<M: Method<Batch = Batch>>(method: M, expected: &Expected<'_>) {
    let device = Device::flex().autodiff();
    let mut method = from_safetensors(method, &expected.before()).unwrap();
    let rates = ["/rates/0", "/rates/1"].map(|path| expected.number(path));
    let constant = method.constant_rate().iter().map(|path| {
        let rate = expected.number(&format!("/constant_rate/{path}"));
        ParameterGroup::new(*path).with_schedule(Schedule::constant(rate))
    });
    let groups: Vec<_> = constant.collect();
    assert_eq!(groups.len(), expected.about["constant_rate"].as_object().unwrap().len());
    let sgd = OptimizerConfig::sgd(
        expected.number("/optimizer/momentum"),
        expected.number("/optimizer/weight_decay"),
    );
    let mut optimizer =
        GroupedOptimizer::new(sgd, Schedule::linear(rates[0], rates[1]), groups, None).unwrap();
    let clock = Clock {
        steps_per_epoch: expected.number("/clock/steps_per_epoch") as u64,
        epochs: expected.number("/clock/epochs") as u64,
        ..Clock::default()
    };
    for number in 1..=2_usize {
        let context = Context::new(Clock { step: number as u64 - 1, ..clock });
        let step = method.step(&expected.views(number, &device), &context);
        let loss: Vec<f32> = step.loss.clone().into_data().iter().collect();
        assert_close(
            &format!("loss of step {number}"),
            &loss,
            &expected.values(&format!("loss{number}")),
        );
        let terms = expected.names(&format!("term{number}."));
        assert_eq!(step.terms.len(), terms.len());
        for (name, term) in step.terms {
            let term: Vec<f32> = term.into_data().iter().collect();
            assert_close(name, &term, &expected.values(&format!("term{number}.{name}")));
        }
        let gradients = GradientsParams::from_grads(step.loss.backward(), &method);
        let gradients = method.filter(gradients, &context);
        method = optimizer.step(number as u64 - 1, 1, method, gradients);
        method.after_update(vec![step.carry], &context);

        let bytes = to_safetensors(&method, "").unwrap();
        let found = SafeTensors::deserialize(&bytes).unwrap();
        let names = expected.names(&format!("after{number}."));
        assert_eq!(found.names().len(), names.len());
        for name in names {
            let tensor =
                found.tensor(&name).unwrap_or_else(|_| panic!("the method has no `{name}`"));
            let (values, _) = tensor.data().as_chunks::<4>();
            let values: Vec<f32> = values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            let want = expected.values(&format!("after{number}.{name}"));
            assert_close(&format!("{name} after step {number}"), &values, &want);
        }
    }
}

/// The files of another seed can be tried: `make.py --seed 7 --out DIR`, then `SELFSAME_STEPS=DIR`.
fn folder() -> PathBuf {
    match std::env::var_os("SELFSAME_STEPS") {
        Some(folder) => PathBuf::from(folder),
        None => PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/steps")),
    }
}

/// Compares the steps of a method, which `init` builds from the config of its encoder and from the
/// file.
fn compare_with<E: DeserializeOwned, M: Method<Batch = Batch>>(
    name: &str,
    init: impl FnOnce(E, &Expected<'_>, &Device) -> M,
) {
    let device = Device::flex().autodiff();
    let bytes = std::fs::read(folder().join(format!("{name}.safetensors"))).unwrap();
    let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
    let about: &HashMap<String, String> = header.metadata().as_ref().unwrap();
    let about: Value = serde_json::from_str(&about["selfsame"]).unwrap();
    let encoder = serde_json::from_value(about["encoder"].clone()).unwrap();
    let expected = Expected { file: SafeTensors::deserialize(&bytes).unwrap(), about };
    let method = init(encoder, &expected, &device);
    take_steps(method, &expected);
}

/// Compares the steps of a method of a residual network.
fn compare<M: Method<Batch = Batch>>(
    name: &str,
    init: impl FnOnce(ResNet, &Expected<'_>, &Device) -> M,
) {
    compare_with(name, |encoder: ResNetConfig, expected, device| {
        init(encoder.init(0, device), expected, device)
    });
}

/// Compares the steps of a method of a residual network, with the settings of the file.
fn compare_settings<C: DeserializeOwned, M: Method<Batch = Batch>>(
    name: &str,
    init: impl FnOnce(C, ResNet, &Device) -> M,
) {
    compare(name, |encoder, expected, device| init(expected.settings(), encoder, device));
}

#[test]
fn simclr_steps_as_in_pytorch() {
    compare("simclr", |encoder, expected, device| {
        let config = SimClrConfig {
            d_hidden: expected.size("d_hidden"),
            d_output: expected.size("d_output"),
            temperature: expected.number("/config/temperature"),
            ..SimClrConfig::default()
        };
        config.init(encoder, 0, device)
    });
}

#[test]
fn simsiam_steps_as_in_pytorch_with_a_constant_rate_of_its_predictor() {
    compare("simsiam", |encoder, expected, device| {
        let config = SimSiamConfig {
            d_output: expected.size("d_output"),
            d_predictor: expected.size("d_predictor"),
            layers: expected.size("layers"),
        };
        config.init(encoder, 0, device)
    });
}

#[test]
fn barlow_twins_steps_as_in_pytorch() {
    compare("barlow_twins", |encoder, expected, device| {
        let config = BarlowTwinsConfig {
            d_output: expected.size("d_output"),
            off_diagonal: expected.number("/config/off_diagonal"),
            scale: expected.number("/config/scale"),
        };
        config.init(encoder, 0, device)
    });
}

#[test]
fn vicreg_steps_as_in_pytorch_and_logs_its_terms() {
    compare("vicreg", |encoder, expected, device| {
        let config = VicregConfig {
            d_output: expected.size("d_output"),
            invariance: expected.number("/config/invariance"),
            variance: expected.number("/config/variance"),
            covariance: expected.number("/config/covariance"),
            ..VicregConfig::default()
        };
        config.init(encoder, 0, device)
    });
}

#[test]
fn byol_steps_as_in_pytorch() {
    compare("byol", |encoder, expected, device| {
        let config = ByolConfig {
            d_hidden: expected.size("d_hidden"),
            d_output: expected.size("d_output"),
            momentum: Schedule::cosine(expected.number("/config/momentum"), 1.0),
        };
        config.init(encoder, 0, device)
    });
}

#[test]
fn moco_v2_steps_as_in_pytorch() {
    compare("moco_v2", |encoder, expected, device| {
        let config = MocoV2Config {
            d_hidden: expected.size("d_hidden"),
            d_output: expected.size("d_output"),
            temperature: expected.number("/config/temperature"),
            momentum: expected.number("/config/momentum"),
            queue: expected.size("queue"),
        };
        config.init(encoder, 0, device)
    });
}

#[test]
fn dino_steps_as_in_pytorch_with_its_last_layer_frozen_in_the_first_epoch() {
    compare("dino", |encoder, expected, device| {
        let temperature = expected.number("/config/teacher_temperature");
        let config = DinoConfig {
            d_hidden: expected.size("d_hidden"),
            d_bottleneck: expected.size("d_bottleneck"),
            d_output: expected.size("d_output"),
            normalize_hidden: false,
            global_views: 2,
            student_temperature: expected.number("/config/student_temperature"),
            teacher_temperature: temperature,
            warmup_teacher_temperature: temperature,
            warmup_teacher_epochs: 0.0,
            center_momentum: expected.number("/config/center_momentum"),
            momentum: Schedule::cosine(expected.number("/config/momentum"), 1.0),
            frozen_epochs: expected.size("frozen_epochs") as u64,
        };
        config.init(encoder, 0, device)
    });
}

#[test]
fn fast_siam_steps_as_in_pytorch_with_three_views() {
    compare_settings("fast_siam", |config: FastSiamConfig, encoder, device| {
        config.init(encoder, 0, device)
    });
}

#[test]
fn simclr_steps_as_in_pytorch_with_a_head_of_three_layers() {
    compare_settings("simclr_v2", |config: SimClrConfig, encoder, device| {
        config.init(encoder, 0, device)
    });
}

#[test]
fn simclr_steps_as_in_pytorch_with_decoupled_positives() {
    compare_settings("simclr_dcl", |config: SimClrConfig, encoder, device| {
        config.init(encoder, 0, device)
    });
}

#[test]
fn simclr_steps_as_in_pytorch_with_weighted_positives() {
    compare_settings("simclr_dclw", |config: SimClrConfig, encoder, device| {
        config.init(encoder, 0, device)
    });
}

#[test]
fn moco_v3_steps_as_in_pytorch() {
    compare_settings("moco_v3", |config: MocoV3Config, encoder, device| {
        config.init(encoder, 0, device)
    });
}

#[test]
fn nnclr_steps_as_in_pytorch() {
    compare_settings("nnclr", |config: NnclrConfig, encoder, device| {
        config.init(encoder, 0, device)
    });
}

#[test]
fn swav_steps_as_in_pytorch_with_prototypes_that_wait_and_a_queue_that_starts() {
    compare_settings("swav", |config: SwavConfig, encoder, device| config.init(encoder, 0, device));
}

#[test]
fn ressl_steps_as_in_pytorch() {
    compare_settings("ressl", |config: ResslConfig, encoder, device| {
        config.init(encoder, 0, device)
    });
}

#[test]
fn direct_clr_steps_as_in_pytorch() {
    compare_settings("direct_clr", |config: DirectClrConfig, encoder, device| {
        config.init(encoder, 0, device)
    });
}

#[test]
fn align_uniform_steps_as_in_pytorch_and_logs_its_terms() {
    compare_settings("align_uniform", |config: AlignUniformConfig, encoder, device| {
        config.init(encoder, 0, device)
    });
}

#[test]
fn sup_con_steps_as_in_pytorch() {
    compare_settings("sup_con", |config: SupConConfig, encoder, device| {
        config.init(encoder, 0, device)
    });
}

#[test]
fn vibcreg_steps_as_in_pytorch_and_logs_its_terms() {
    compare_settings("vibcreg", |config: VibcregConfig, encoder, device| {
        config.init(encoder, 0, device)
    });
}

#[test]
fn w_mse_steps_as_in_pytorch_in_groups_of_rows() {
    compare_settings("w_mse", |config: WMseConfig, encoder, device| {
        config.init(encoder, 0, device)
    });
}

#[test]
fn tico_steps_as_in_pytorch_and_logs_its_terms() {
    compare_settings("tico", |config: TicoConfig, encoder, device| config.init(encoder, 0, device));
}

#[test]
fn frossl_steps_as_in_pytorch_with_three_views() {
    compare_settings("frossl", |config: FrosslConfig, encoder, device| {
        config.init(encoder, 0, device)
    });
}

#[test]
fn mmcr_steps_as_in_pytorch_with_a_target() {
    compare_settings("mmcr", |config: MmcrConfig, encoder, device| config.init(encoder, 0, device));
}

#[test]
fn emp_ssl_steps_as_in_pytorch_with_three_views() {
    compare_settings("emp_ssl", |config: EmpSslConfig, encoder, device| {
        config.init(encoder, 0, device)
    });
}

#[test]
fn lejepa_steps_as_in_pytorch_along_its_slices() {
    compare_settings("lejepa", |config: LeJepaConfig, encoder, device| {
        config.init(encoder, 0, device)
    });
}

#[test]
fn visreg_steps_as_in_pytorch_along_its_slices() {
    compare_settings("visreg", |config: VisRegConfig, encoder, device| {
        config.init(encoder, 0, device)
    });
}

#[test]
fn mae_steps_as_in_pytorch_with_its_masks() {
    compare_with("mae", |encoder: VitConfig, expected, device| {
        expected.settings::<MaeConfig>().init(encoder.init(0, device), 0, device)
    });
}

#[test]
fn simmim_steps_as_in_pytorch_with_its_masks() {
    compare_with("simmim", |encoder: VitConfig, expected, device| {
        expected.settings::<SimMimConfig>().init(encoder.init(0, device), 0, device)
    });
}

#[test]
fn msn_steps_as_in_pytorch_with_its_masks() {
    compare_with("msn", |encoder: VitConfig, expected, device| {
        expected.settings::<MsnConfig>().init(encoder.init(0, device), 0, device)
    });
}
