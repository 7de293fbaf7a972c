//! Presets for CIFAR-10.

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

/// Returns what most presets share, those of solo-learn: ResNet-18, and 1,000 epochs in batches of
/// 256.
fn resnet18(
    source: &str,
    recipe: Recipe,
    method: MethodConfig,
    optimizer: OptimizerConfig,
    rate: f64,
) -> Preset {
    Preset {
        source: source.to_owned(),
        backbone: BackboneConfig::ResNet(ResNetConfig::resnet18(64)),
        recipe,
        method,
        optimizer,
        rate,
        batch_size: 256,
        warmup_epochs: 10,
        last_rate: 0.0,
        epochs: 1000,
        clip_norm: None,
    }
}

/// Returns solo-learn's LARS.
fn lars(weight_decay: f64) -> OptimizerConfig {
    clipped_lars(0.02, weight_decay)
}

fn simclr() -> Preset {
    let method =
        SimClrConfig { d_hidden: 2048, d_output: 256, temperature: 0.2, ..SimClrConfig::default() };
    let source = "solo-learn, scripts/pretrain/cifar/simclr.yaml; its projector has no batch norm";
    let recipe = Recipe::symmetric_cifar();
    resnet18(source, recipe, MethodConfig::SimClr(method), lars(1e-4), 0.4)
}

fn simsiam() -> Preset {
    let method = SimSiamConfig { d_output: 2048, d_predictor: 512, layers: 3 };
    let source = "solo-learn, scripts/pretrain/cifar/simsiam.yaml";
    let recipe = Recipe::symmetric_weak_cifar();
    resnet18(source, recipe, MethodConfig::SimSiam(method), sgd(1e-5), 0.5)
}

fn fast_siam() -> Preset {
    let method = FastSiamConfig { d_output: 2048, d_predictor: 512, layers: 2 };
    Preset {
        source:
            "lightly, benchmarks/cifar10_benchmark.py; its predictor's rate falls, and its rate \
                 is the same for larger batches"
                .to_owned(),
        backbone: BackboneConfig::ResNet(ResNetConfig::resnet18(64)),
        recipe: Recipe::fast_siam_cifar(4),
        method: MethodConfig::FastSiam(method),
        optimizer: sgd(5e-4),
        rate: 0.06,
        batch_size: 128,
        warmup_epochs: 0,
        last_rate: 0.0,
        epochs: 200,
        clip_norm: None,
    }
}

fn barlow_twins() -> Preset {
    let method = BarlowTwinsConfig { d_output: 2048, off_diagonal: 0.0051, scale: 0.1 };
    let source = "solo-learn, scripts/pretrain/cifar/barlow.yaml";
    let recipe = Recipe::asymmetric_cifar();
    resnet18(source, recipe, MethodConfig::BarlowTwins(method), lars(1e-4), 0.3)
}

fn vicreg() -> Preset {
    // A weight of 50 for the mean of the two variance terms is one of 25 for their sum.
    let method = VicregConfig { d_output: 2048, variance: 50.0, ..VicregConfig::default() };
    let source = "solo-learn, scripts/pretrain/cifar/vicreg.yaml; its variance term of weight 25 \
                  is the sum over both views, which is ours of weight 50";
    resnet18(source, Recipe::vicreg_cifar(), MethodConfig::Vicreg(method), lars(1e-4), 0.3)
}

fn vibcreg() -> Preset {
    let method = VibcregConfig {
        d_output: 2048,
        groups: 64,
        invariance: 25.0,
        variance: 25.0,
        correlation: 200.0,
    };
    let source = "solo-learn, scripts/pretrain/cifar/vibcreg.yaml";
    let recipe = Recipe::vicreg_cifar();
    resnet18(source, recipe, MethodConfig::Vibcreg(method), lars(1e-4), 0.3)
}

fn byol() -> Preset {
    let method =
        ByolConfig { d_hidden: 4096, d_output: 256, momentum: Schedule::cosine(0.99, 1.0) };
    let source = "solo-learn, scripts/pretrain/cifar/byol.yaml";
    let recipe = Recipe::asymmetric_cifar();
    resnet18(source, recipe, MethodConfig::Byol(method), lars(1e-5), 1.0)
}

fn moco_v2() -> Preset {
    let method = MocoV2Config {
        d_hidden: 2048,
        d_output: 256,
        temperature: 0.2,
        momentum: 0.99,
        queue: 32_768,
    };
    let source = "solo-learn, scripts/pretrain/cifar/mocov2plus.yaml; its momentum rises to 0.999, \
                  and both views are queries, with a queue for each";
    let recipe = Recipe::symmetric_weak_cifar();
    resnet18(source, recipe, MethodConfig::MocoV2(method), sgd(1e-4), 0.3)
}

fn moco_v3() -> Preset {
    let method = MocoV3Config {
        d_hidden: 4096,
        d_output: 256,
        temperature: 0.2,
        momentum: Schedule::cosine(0.99, 1.0),
        ..MocoV3Config::default()
    };
    let source = "solo-learn, scripts/pretrain/cifar/mocov3.yaml";
    let recipe = Recipe::asymmetric_cifar();
    resnet18(source, recipe, MethodConfig::MocoV3(method), lars(1e-6), 0.3)
}

fn nnclr() -> Preset {
    let method = NnclrConfig {
        d_hidden: 2048,
        d_output: 256,
        d_predictor: 4096,
        temperature: 0.2,
        queue: 65_536,
    };
    let source = "solo-learn, scripts/pretrain/cifar/nnclr.yaml";
    let recipe = Recipe::asymmetric_cifar();
    resnet18(source, recipe, MethodConfig::Nnclr(method), lars(1e-5), 0.4)
}

fn swav() -> Preset {
    let method = SwavConfig {
        d_hidden: 2048,
        d_output: 128,
        prototypes: 3000,
        temperature: 0.1,
        frozen_epochs: 2,
        queue: 3840,
        queue_epoch: 50,
        ..SwavConfig::default()
    };
    let (source, recipe) =
        ("solo-learn, scripts/pretrain/cifar-multicrop/swav.yaml", Recipe::swav_cifar());
    let last_rate = 6e-4;
    Preset { last_rate, ..resnet18(source, recipe, MethodConfig::Swav(method), lars(1e-6), 0.6) }
}

fn dino() -> Preset {
    let method = DinoConfig {
        d_hidden: 2048,
        d_bottleneck: 256,
        d_output: 4096,
        normalize_hidden: false,
        teacher_temperature: 0.07,
        warmup_teacher_epochs: 0.0,
        momentum: Schedule::cosine(0.9995, 1.0),
        ..DinoConfig::default()
    };
    let source = "solo-learn, scripts/pretrain/cifar/dino.yaml";
    let recipe = Recipe::asymmetric_cifar();
    resnet18(source, recipe, MethodConfig::Dino(method), lars(1e-6), 0.3)
}

fn ressl() -> Preset {
    let method = ResslConfig {
        d_hidden: 4096,
        d_output: 256,
        student_temperature: 0.1,
        teacher_temperature: 0.04,
        momentum: 0.99,
        queue: 65_536,
    };
    let source = "solo-learn, scripts/pretrain/cifar/ressl.yaml; its momentum rises to 1";
    resnet18(source, Recipe::ressl_cifar(), MethodConfig::Ressl(method), sgd(1e-4), 0.05)
}

fn w_mse() -> Preset {
    let method = WMseConfig { d_hidden: 1024, d_output: 64, rows: 128, ..WMseConfig::default() };
    let source = "solo-learn, scripts/pretrain/cifar/wmse.yaml";
    let (recipe, optimizer) = (Recipe::w_mse_cifar(), OptimizerConfig::adam(1e-6));
    resnet18(source, recipe, MethodConfig::WMse(method), optimizer, 2e-3)
}

fn tico() -> Preset {
    let method = TicoConfig {
        d_hidden: 1024,
        d_output: 256,
        covariance_momentum: 0.9,
        covariance: 8.0,
        momentum: Schedule::cosine(0.996, 1.0),
    };
    let source = "ours: lightly's for Imagenette, imagenette_benchmark.py, with solo-learn's views";
    let recipe = Recipe::asymmetric_cifar();
    let common = resnet18(source, recipe, MethodConfig::Tico(method), sgd(1e-4), 0.3);
    Preset { warmup_epochs: 40, epochs: 800, ..common }
}

fn frossl() -> Preset {
    let method = FrosslConfig { d_hidden: 2048, d_output: 1024, invariance: 1.0 };
    let source = "OFSkean/FroSSL, scripts/pretrain/cifar/frossl.yaml";
    resnet18(source, Recipe::frossl_cifar(), MethodConfig::Frossl(method), lars(1e-4), 0.3)
}

fn mmcr() -> Preset {
    let method = MmcrConfig { d_hidden: 512, d_output: 128, compactness: 0.0, momentum: None };
    Preset {
        source: "ThomasYerxa/mmcr, pretrain_cifar_stl.py and mmcr/cifar_stl; the rate is constant"
            .to_owned(),
        backbone: BackboneConfig::ResNet(ResNetConfig::resnet50(64)),
        recipe: Recipe::mmcr_cifar(40),
        method: MethodConfig::Mmcr(method),
        optimizer: OptimizerConfig::adam(1e-6),
        rate: 1e-3,
        batch_size: 32,
        warmup_epochs: 0,
        last_rate: 1e-3,
        epochs: 500,
        clip_norm: None,
    }
}

fn emp_ssl() -> Preset {
    let method = EmpSslConfig { d_hidden: 4096, d_output: 1024, epsilon: 0.2, invariance: 200.0 };
    Preset {
        source: "tsb0601/EMP-SSL, main.py and README; its LARS has Nesterov momentum".to_owned(),
        backbone: BackboneConfig::ResNet(ResNetConfig::resnet18(64)),
        recipe: Recipe::emp_ssl_cifar(20),
        method: MethodConfig::EmpSsl(method),
        optimizer: clipped_lars(0.005, 1e-4),
        rate: 0.3,
        batch_size: 100,
        warmup_epochs: 0,
        last_rate: 0.0,
        epochs: 30,
        clip_norm: None,
    }
}

fn lejepa() -> Preset {
    let method = LeJepaConfig {
        d_hidden: 2048,
        d_output: 128,
        global_views: 2,
        regularization: 0.02,
        slices: 256,
        knots: 17,
        t_max: 3.0,
    };
    let source = "facebookresearch/eb_jepa, examples/image_jepa; λ and slices of \
                  rbalestr-lab/lejepa, MINIMAL.md, since its terms have other scales";
    let (recipe, method) = (Recipe::lejepa_cifar(), MethodConfig::LeJepa(method));
    Preset { epochs: 300, ..resnet18(source, recipe, method, lars(1e-4), 0.3) }
}

fn visreg() -> Preset {
    let method = VisRegConfig {
        d_hidden: 2048,
        d_output: 128,
        global_views: 4,
        regularization: 0.6,
        slices: 4096,
    };
    Preset {
        source: "ours: the authors' for Imagenette, HaiyuWu/visreg, configs/imagenette.yaml, with \
                 views of 32 pixels"
            .to_owned(),
        backbone: BackboneConfig::Vit(VitConfig::small(32, 4)),
        recipe: Recipe::visreg_cifar(),
        method: MethodConfig::VisReg(method),
        optimizer: OptimizerConfig::adam_w(0.05),
        rate: 1e-3,
        batch_size: 64,
        warmup_epochs: 1,
        last_rate: 1e-6,
        epochs: 800,
        clip_norm: Some(1.0),
    }
}

fn direct_clr() -> Preset {
    // The paper's 360 of 2,048 features, of 512.
    let method = DirectClrConfig { columns: 90, temperature: 0.1 };
    let source = "ours: solo-learn's of SimCLR, with the paper's temperature and share of columns";
    let recipe = Recipe::symmetric_cifar();
    resnet18(source, recipe, MethodConfig::DirectClr(method), lars(1e-4), 0.4)
}

fn align_uniform() -> Preset {
    let method =
        AlignUniformConfig { d_hidden: 512, d_output: 128, alpha: 2.0, t: 2.0, uniformity: 1.0 };
    Preset {
        source: "ours: the authors' for STL-10, SsnL/align_uniform, examples/stl10, with another \
                 encoder, SimCLR's views and a cosine in place of three steps"
            .to_owned(),
        backbone: BackboneConfig::ResNet(ResNetConfig::resnet18(64)),
        recipe: Recipe::simclr_cifar(),
        method: MethodConfig::AlignUniform(method),
        optimizer: sgd(1e-4),
        rate: 0.36,
        batch_size: 768,
        warmup_epochs: 0,
        last_rate: 0.0,
        epochs: 200,
        clip_norm: None,
    }
}

fn sup_con() -> Preset {
    let method = SupConConfig { d_hidden: 2048, d_output: 256, temperature: 0.2 };
    let source = "solo-learn, scripts/pretrain/cifar/supcon.yaml";
    let recipe = Recipe::symmetric_cifar();
    resnet18(source, recipe, MethodConfig::SupCon(method), sgd(1e-5), 0.4)
}

fn msn() -> Preset {
    let method = MsnConfig { momentum: Schedule::constant(0.996), ..MsnConfig::default() };
    Preset {
        source: "ours: lightly's for Imagenette, imagenette_benchmark.py, with patches of 4 pixels"
            .to_owned(),
        backbone: BackboneConfig::Vit(VitConfig::tiny(32, 4)),
        recipe: Recipe::msn_cifar(),
        method: MethodConfig::Msn(method),
        optimizer: mae_adam_w(),
        rate: 1.5e-4,
        batch_size: 256,
        warmup_epochs: 15,
        last_rate: 0.0,
        epochs: 800,
        clip_norm: None,
    }
}

fn mae() -> Preset {
    Preset {
        source: "solo-learn, scripts/pretrain/cifar/mae.yaml".to_owned(),
        ..masked(Recipe::mae_cifar(), MethodConfig::Mae(MaeConfig::default()))
    }
}

fn simmim() -> Preset {
    let method = SimMimConfig { mask_side: 1, ..SimMimConfig::default() };
    Preset {
        source: "ours: solo-learn's of MAE, with the paper's views and share of masked patches"
            .to_owned(),
        ..masked(Recipe::simmim_cifar(), MethodConfig::SimMim(method))
    }
}

/// Returns what the masked methods share.
fn masked(recipe: Recipe, method: MethodConfig) -> Preset {
    Preset {
        source: String::new(),
        backbone: BackboneConfig::Vit(VitConfig::small(32, 4)),
        recipe,
        method,
        optimizer: mae_adam_w(),
        rate: 2e-4,
        batch_size: 256,
        warmup_epochs: 10,
        last_rate: 0.0,
        epochs: 1000,
        clip_norm: None,
    }
}
