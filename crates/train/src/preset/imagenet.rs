//! Presets for ImageNet.

use selfsame_augment::Recipe;
use selfsame_models::{
    AlignUniformConfig, BackboneConfig, BarlowTwinsConfig, ByolConfig, DinoConfig, DirectClrConfig,
    EmpSslConfig, FastSiamConfig, FrosslConfig, LeJepaConfig, MaeConfig, MethodConfig, MethodName,
    MmcrConfig, MocoV2Config, MocoV3Config, MsnConfig, NnclrConfig, ResNetConfig, ResslConfig,
    SimClrConfig, SimMimConfig, SimSiamConfig, SupConConfig, SwavConfig, TicoConfig, VibcregConfig,
    VicregConfig, VisRegConfig, VitConfig, WMseConfig,
};
use selfsame_optim::{OptimizerConfig, Schedule};

use super::{Preset, clipped_lars, mae_adam_w, sgd};

pub(super) fn preset(method: MethodName) -> Preset {
    match method {
        MethodName::SimClr => simclr(),
        MethodName::SimSiam => simsiam(),
        MethodName::FastSiam => fast_siam(),
        MethodName::BarlowTwins => barlow_twins(),
        MethodName::Vicreg => vicreg(),
        MethodName::Vibcreg => vibcreg(),
        MethodName::Byol => byol(),
        MethodName::MocoV2 => moco_v2(),
        MethodName::MocoV3 => moco_v3(),
        MethodName::Nnclr => nnclr(),
        MethodName::Swav => swav(),
        MethodName::Dino => dino(),
        MethodName::Ressl => ressl(),
        MethodName::WMse => w_mse(),
        MethodName::Tico => tico(),
        MethodName::Frossl => frossl(),
        MethodName::Mmcr => mmcr(),
        MethodName::EmpSsl => emp_ssl(),
        MethodName::LeJepa => lejepa(),
        MethodName::VisReg => visreg(),
        MethodName::DirectClr => direct_clr(),
        MethodName::AlignUniform => align_uniform(),
        MethodName::SupCon => sup_con(),
        MethodName::Msn => msn(),
        MethodName::Mae => mae(),
        MethodName::SimMim => simmim(),
    }
}

/// Returns the encoder with the stem for photographs.
fn resnet(config: ResNetConfig) -> BackboneConfig {
    BackboneConfig::ResNet(config.with_large_stem())
}

/// Returns the preset with an encoder whose residual blocks begin as the identity, as the code of its
/// authors has it (`zero_init_residual=True`).
fn from_identity(preset: Preset) -> Preset {
    let backbone = resnet(ResNetConfig::resnet50(64).with_zero_init_last_norm());
    Preset { backbone, ..preset }
}

/// Returns what most presets share: ResNet-50, and LARS with a warm-up of 10 epochs in batches of
/// 4,096.
fn resnet50(source: &str, recipe: Recipe, method: MethodConfig) -> Preset {
    Preset {
        source: source.to_owned(),
        backbone: resnet(ResNetConfig::resnet50(64)),
        recipe,
        method,
        optimizer: OptimizerConfig::lars(1e-6),
        rate: 4.8,
        batch_size: 4096,
        warmup_epochs: 10,
        last_rate: 0.0,
        epochs: 100,
        clip_norm: None,
    }
}

/// Returns what the presets with SGD share: ResNet-50 without a warm-up in batches of 256.
fn resnet50_by_sgd(source: &str, recipe: Recipe, method: MethodConfig, rate: f64) -> Preset {
    let (optimizer, batch_size, warmup_epochs, epochs) = (sgd(1e-4), 256, 0, 200);
    let common = resnet50(source, recipe, method);
    Preset { optimizer, rate, batch_size, warmup_epochs, epochs, ..common }
}

/// Returns what the presets of the subset of 100 classes share: ResNet-18, and clipped LARS in
/// batches of 128.
fn resnet18(source: &str, recipe: Recipe, method: MethodConfig) -> Preset {
    let (backbone, optimizer) = (resnet(ResNetConfig::resnet18(64)), clipped_lars(0.02, 1e-4));
    let (rate, batch_size, epochs) = (0.15, 128, 400);
    let common = resnet50(source, recipe, method);
    Preset { backbone, optimizer, rate, batch_size, epochs, ..common }
}

/// Returns what the presets of transformers share: `AdamW` for 100 epochs.
fn vit(source: &str, vit: VitConfig, recipe: Recipe, method: MethodConfig, decay: f64) -> Preset {
    let (backbone, optimizer) = (BackboneConfig::Vit(vit), OptimizerConfig::adam_w(decay));
    Preset { backbone, optimizer, ..resnet50(source, recipe, method) }
}

fn simclr() -> Preset {
    let method =
        SimClrConfig { d_hidden: 2048, d_output: 128, temperature: 0.1, ..SimClrConfig::default() };
    let source = "google-research/simclr, README, with the two layers of the paper's projector";
    resnet50(source, Recipe::simclr_imagenet(), MethodConfig::SimClr(method))
}

fn simsiam() -> Preset {
    let method = SimSiamConfig { d_output: 2048, d_predictor: 512, layers: 3 };
    let source = "facebookresearch/simsiam, main_simsiam.py with --fix-pred-lr; rate of the paper, \
                  0.05 for 256 samples";
    let (recipe, method) = (Recipe::simsiam_imagenet(), MethodConfig::SimSiam(method));
    let common = resnet50_by_sgd(source, recipe, method, 0.1);
    from_identity(Preset { batch_size: 512, epochs: 100, ..common })
}

fn fast_siam() -> Preset {
    let method = FastSiamConfig { d_output: 2048, d_predictor: 512, layers: 3 };
    let source =
        "Pototzky et al., 2022: 4 views, 25 epochs, batches of 32; the rest is ours, SimSiam's";
    let (recipe, method) = (Recipe::fast_siam_imagenet(4), MethodConfig::FastSiam(method));
    Preset { batch_size: 32, epochs: 25, ..resnet50_by_sgd(source, recipe, method, 0.00625) }
}

fn barlow_twins() -> Preset {
    let method = BarlowTwinsConfig { d_output: 8192, off_diagonal: 0.0051, scale: 1.0 };
    let source = "facebookresearch/barlowtwins, main.py; its rate of biases, scales and shifts is \
                  0.0384";
    let (recipe, method) = (Recipe::barlow_twins_imagenet(), MethodConfig::BarlowTwins(method));
    let (rate, batch_size, last_rate, epochs) = (1.6, 2048, 1.6e-3, 1000);
    let common = resnet50(source, recipe, method);
    from_identity(Preset { rate, batch_size, last_rate, epochs, ..common })
}

fn vicreg() -> Preset {
    let method = VicregConfig { d_output: 8192, ..VicregConfig::default() };
    let source = "facebookresearch/vicreg, README (1,000 epochs) and main_vicreg.py";
    let (recipe, method) = (Recipe::vicreg_imagenet(), MethodConfig::Vicreg(method));
    let (rate, batch_size, last_rate, epochs) = (1.6, 2048, 1.6e-3, 1000);
    let common = resnet50(source, recipe, method);
    from_identity(Preset { rate, batch_size, last_rate, epochs, ..common })
}

fn vibcreg() -> Preset {
    let method = VibcregConfig {
        d_output: 2048,
        groups: 64,
        invariance: 25.0,
        variance: 25.0,
        correlation: 200.0,
    };
    let source = "ours: solo-learn's for ImageNet-100, scripts/pretrain/imagenet-100/vibcreg.yaml";
    resnet18(source, Recipe::vibcreg_imagenet(), MethodConfig::Vibcreg(method))
}

fn byol() -> Preset {
    let method =
        ByolConfig { d_hidden: 4096, d_output: 256, momentum: Schedule::cosine(0.996, 1.0) };
    let source = "google-deepmind/deepmind-research, byol/configs/byol.py, 1,000 epochs";
    let common = resnet50(source, Recipe::byol_imagenet(), MethodConfig::Byol(method));
    Preset { optimizer: OptimizerConfig::lars(1.5e-6), rate: 3.2, epochs: 1000, ..common }
}

fn moco_v2() -> Preset {
    let method = MocoV2Config {
        d_hidden: 2048,
        d_output: 128,
        temperature: 0.2,
        momentum: 0.999,
        queue: 65_536,
    };
    let source = "facebookresearch/moco, README (version 2) and main_moco.py";
    resnet50_by_sgd(source, Recipe::moco_v2_imagenet(), MethodConfig::MocoV2(method), 0.03)
}

fn moco_v3() -> Preset {
    let method = MocoV3Config {
        d_hidden: 4096,
        d_output: 256,
        temperature: 1.0,
        momentum: Schedule::cosine(0.99, 1.0),
        ..MocoV3Config::default()
    };
    let source = "facebookresearch/moco-v3, CONFIG.md, ResNet-50 for 300 epochs";
    let (recipe, method) = (Recipe::moco_v3_imagenet(), MethodConfig::MocoV3(method));
    Preset { epochs: 300, ..resnet50(source, recipe, method) }
}

fn nnclr() -> Preset {
    let method = NnclrConfig {
        d_hidden: 2048,
        d_output: 256,
        d_predictor: 4096,
        temperature: 0.1,
        queue: 98_304,
    };
    let source = "Dwibedi et al., 2021, arXiv:2104.14548, section 4, with SimCLR's views";
    let (recipe, method) = (Recipe::simclr_imagenet(), MethodConfig::Nnclr(method));
    Preset { epochs: 1000, ..resnet50(source, recipe, method) }
}

fn swav() -> Preset {
    let method = SwavConfig {
        d_hidden: 2048,
        d_output: 128,
        prototypes: 3000,
        temperature: 0.1,
        epsilon: 0.05,
        iterations: 3,
        frozen_epochs: 1,
        queue: 0,
        ..SwavConfig::default()
    };
    let source = "facebookresearch/swav, scripts/swav_800ep_pretrain.sh; its warm-up starts at 0.3";
    let (recipe, method) = (Recipe::swav_imagenet(), MethodConfig::Swav(method));
    Preset { last_rate: 4.8e-3, epochs: 800, ..resnet50(source, recipe, method) }
}

fn dino() -> Preset {
    let method = DinoConfig {
        d_hidden: 2048,
        d_bottleneck: 256,
        d_output: 65_536,
        normalize_hidden: false,
        global_views: 2,
        student_temperature: 0.1,
        teacher_temperature: 0.07,
        warmup_teacher_temperature: 0.04,
        warmup_teacher_epochs: 30.0,
        center_momentum: 0.9,
        momentum: Schedule::cosine(0.996, 1.0),
        frozen_epochs: 1,
    };
    let source = "facebookresearch/dino, README (300 epochs) and main_dino.py; without its \
                  schedule of weight decay (to 0.4), its clipping of each parameter's gradient to \
                  a norm of 3, and the free length of its last layer";
    let (recipe, method) = (Recipe::dino_imagenet(), MethodConfig::Dino(method));
    let (rate, batch_size, last_rate, epochs) = (2e-3, 1024, 1e-6, 300);
    let common = vit(source, VitConfig::small(224, 16), recipe, method, 0.04);
    Preset { rate, batch_size, last_rate, epochs, ..common }
}

fn ressl() -> Preset {
    let method = ResslConfig {
        d_hidden: 4096,
        d_output: 512,
        student_temperature: 0.1,
        teacher_temperature: 0.04,
        momentum: 0.999,
        queue: 131_072,
    };
    let source = "mingkai-zheng/ReSSL, ressl.py on 8 devices";
    let (recipe, method) = (Recipe::ressl_imagenet(), MethodConfig::Ressl(method));
    Preset { warmup_epochs: 5, ..resnet50_by_sgd(source, recipe, method, 0.05) }
}

fn w_mse() -> Preset {
    let method = WMseConfig { d_hidden: 1024, d_output: 64, rows: 128, ..WMseConfig::default() };
    let source = "ours: solo-learn's for ImageNet-100, scripts/pretrain/imagenet-100/wmse.yaml";
    let (recipe, method) = (Recipe::w_mse_imagenet(), MethodConfig::WMse(method));
    let (optimizer, rate) = (OptimizerConfig::adam(1e-6), 1e-3);
    Preset { optimizer, rate, ..resnet18(source, recipe, method) }
}

fn tico() -> Preset {
    let method = TicoConfig {
        d_hidden: 4096,
        d_output: 256,
        covariance_momentum: 0.9,
        covariance: 8.0,
        momentum: Schedule::cosine(0.99, 1.0),
    };
    let source = "lightly, benchmarks/imagenet/resnet50/tico.py, in batches of 256";
    let (recipe, method) = (Recipe::byol_imagenet(), MethodConfig::Tico(method));
    let (optimizer, rate, batch_size) = (OptimizerConfig::lars(1.5e-6), 0.2, 256);
    Preset { optimizer, rate, batch_size, ..resnet50(source, recipe, method) }
}

fn frossl() -> Preset {
    let method = FrosslConfig { d_hidden: 2048, d_output: 1024, invariance: 2.0 };
    let source = "OFSkean/FroSSL, scripts/pretrain/imagenet/frossl.yaml, with the views of VICReg \
                  that it names from solo-learn";
    let (recipe, method) = (Recipe::vibcreg_imagenet(), MethodConfig::Frossl(method));
    Preset { rate: 0.6, batch_size: 512, epochs: 100, ..resnet18(source, recipe, method) }
}

fn mmcr() -> Preset {
    let method =
        MmcrConfig { d_hidden: 8192, d_output: 512, compactness: 0.0, momentum: Some(0.99) };
    let source = "ThomasYerxa/mmcr, pretrain_imagenet.py and mmcr/imagenet; its projector has a \
                  second hidden layer of 8,192";
    let (recipe, method) = (Recipe::mmcr_imagenet(8), MethodConfig::Mmcr(method));
    let (rate, batch_size, last_rate) = (6.4, 2048, 6.4e-3);
    Preset { rate, batch_size, last_rate, ..resnet50(source, recipe, method) }
}

fn emp_ssl() -> Preset {
    let method = EmpSslConfig { d_hidden: 4096, d_output: 1024, epsilon: 0.2, invariance: 200.0 };
    let source = "ours: the authors' for ImageNet-100, tsb0601/EMP-SSL, main.py, with 20 patches \
                  as on CIFAR-10; its LARS has Nesterov momentum";
    let (recipe, method) = (Recipe::emp_ssl_imagenet(20), MethodConfig::EmpSsl(method));
    let (optimizer, rate, batch_size) = (clipped_lars(0.005, 1e-4), 0.3, 100);
    let (warmup_epochs, epochs) = (0, 30);
    let common = resnet18(source, recipe, method);
    Preset { optimizer, rate, batch_size, warmup_epochs, epochs, ..common }
}

fn lejepa() -> Preset {
    let method = LeJepaConfig {
        d_hidden: 2048,
        d_output: 64,
        global_views: 2,
        regularization: 0.05,
        slices: 1024,
        knots: 17,
        t_max: 3.0,
    };
    let source = "rbalestr-lab/lejepa, README: views, optimizer and last rate; network, head, \
                  batch and warm-up of lightly, benchmarks/imagenet/vitb16/lejepa.py";
    let (recipe, method) = (Recipe::lejepa_imagenet(), MethodConfig::LeJepa(method));
    let (rate, batch_size, warmup_epochs, last_rate) = (5e-4, 512, 1, 5e-7);
    let common = vit(source, VitConfig::small(224, 16), recipe, method, 0.05);
    Preset { rate, batch_size, warmup_epochs, last_rate, ..common }
}

fn visreg() -> Preset {
    let method = VisRegConfig {
        d_hidden: 2048,
        d_output: 256,
        global_views: 4,
        regularization: 0.9,
        slices: 4096,
    };
    let source = "HaiyuWu/visreg, configs/default.yaml on the 8 devices of its README; its \
                  projector has GELU in place of ReLU, and no weight decay";
    let (recipe, method) = (Recipe::visreg_imagenet(), MethodConfig::VisReg(method));
    let (rate, batch_size, warmup_epochs, last_rate) = (9e-4, 128, 5, 9e-7);
    let common = vit(source, VitConfig::base(224, 16), recipe, method, 0.05);
    Preset { rate, batch_size, warmup_epochs, last_rate, clip_norm: Some(1.0), ..common }
}

fn direct_clr() -> Preset {
    let method = DirectClrConfig { columns: 360, temperature: 0.1 };
    let source =
        "facebookresearch/directclr, main.py; its loss contrasts with the other view alone";
    let (recipe, method) = (Recipe::byol_imagenet(), MethodConfig::DirectClr(method));
    Preset { last_rate: 4.8e-3, ..resnet50(source, recipe, method) }
}

fn align_uniform() -> Preset {
    // Their loss is 3 · alignment + uniformity, three times ours. The rate makes up for it, and the
    // decay for the rate.
    let method = AlignUniformConfig {
        d_hidden: 2048,
        d_output: 128,
        alpha: 2.0,
        t: 3.0,
        uniformity: 1.0 / 3.0,
    };
    let source = "ssnl/moco_align_uniform, README; its loss is three times as large, its rate \
                  0.03, its decay 1e-4; without its momentum network and queue";
    let (recipe, method) = (Recipe::moco_v2_imagenet(), MethodConfig::AlignUniform(method));
    Preset { optimizer: sgd(1e-4 / 3.0), ..resnet50_by_sgd(source, recipe, method, 0.09) }
}

fn sup_con() -> Preset {
    let method = SupConConfig { d_hidden: 2048, d_output: 512, temperature: 0.2 };
    let source = "ours: solo-learn's for ImageNet-100, scripts/pretrain/imagenet-100/supcon.yaml, \
                  with SimCLR's views";
    let (recipe, method) = (Recipe::simclr_imagenet(), MethodConfig::SupCon(method));
    Preset { optimizer: sgd(1e-5), rate: 0.25, ..resnet18(source, recipe, method) }
}

fn msn() -> Preset {
    let method = MsnConfig {
        d_hidden: 2048,
        d_output: 256,
        prototypes: 1024,
        mask_ratio: 0.15,
        momentum: Schedule::linear(0.996, 0.9992),
        ..MsnConfig::default()
    };
    let source = "facebookresearch/msn, configs/pretrain/msn_vits16.yaml; without its schedule of \
                  weight decay (to 0.4), and its cosine is a quarter longer than the run";
    let (recipe, method) = (Recipe::msn_imagenet(), MethodConfig::Msn(method));
    let (rate, batch_size, warmup_epochs, last_rate, epochs) = (1e-3, 1024, 15, 1e-6, 800);
    let common = vit(source, VitConfig::small(224, 16), recipe, method, 0.04);
    let clip_norm = Some(3.0);
    Preset { rate, batch_size, warmup_epochs, last_rate, epochs, clip_norm, ..common }
}

fn mae() -> Preset {
    let source = "facebookresearch/mae, PRETRAIN.md and main_pretrain.py; its encoder has fixed \
                  positions";
    let (recipe, method) = (Recipe::mae_imagenet(), MethodConfig::Mae(MaeConfig::default()));
    let (rate, batch_size, warmup_epochs, epochs) = (2.4e-3, 4096, 40, 800);
    let optimizer = mae_adam_w();
    let common = vit(source, VitConfig::base(224, 16), recipe, method, 0.05);
    Preset { optimizer, rate, batch_size, warmup_epochs, epochs, ..common }
}

fn simmim() -> Preset {
    let source = "microsoft/SimMIM, simmim_pretrain__vit_base__img224__800ep.yaml and config.py, \
                  with a cosine in place of a step at epoch 700";
    let method = SimMimConfig { mask_ratio: 0.6, mask_side: 2 };
    let (recipe, method) = (Recipe::simmim_imagenet(), MethodConfig::SimMim(method));
    let (rate, batch_size, last_rate, epochs) = (4e-4, 2048, 4e-5, 800);
    let common = vit(source, VitConfig::base(224, 16), recipe, method, 0.05);
    Preset { rate, batch_size, last_rate, epochs, clip_norm: Some(5.0), ..common }
}
