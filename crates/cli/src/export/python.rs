//! The lines of Python that load an exported file, as the guide to weights has them.

use std::path::Path;

use anyhow::{bail, ensure};
use selfsame::augment::Normalize;
use selfsame::models::{
    BackboneConfig, Pooling, ResNetBlock, ResNetConfig, ResNetStem, VitConfig, VitPooling, backbone,
};
use serde_json::Value;

use super::Target;
use crate::encoder::Encoder;

/// A residual network of torchvision of any width; torchvision itself has 64 only.
const NARROW: &str = "

class NarrowResNet(ResNet):
    def __init__(self, block, layers, width, widen=1):
        self.width = width
        super().__init__(block, layers, width_per_group=64 * widen)
        self.conv1 = torch.nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = torch.nn.BatchNorm2d(width)

    def _make_layer(self, block, planes, blocks, stride=1, dilate=False):
        if planes == 64:
            self.inplanes = self.width
        return super()._make_layer(block, planes * self.width // 64, blocks, stride, dilate)

";

/// A network of another library.
pub(super) struct Counterpart {
    imports: String,
    /// The lines that make it, without a classifier.
    lines: String,
}

impl Counterpart {
    /// Returns the network of the library that has the encoder's weights.
    pub(super) fn of(encoder: &Encoder, target: Target) -> anyhow::Result<Self> {
        match (target, &encoder.config) {
            (Target::Torchvision, BackboneConfig::ResNet(config)) => torchvision(config),
            (Target::Timm, BackboneConfig::ResNet(config)) => timm_resnet(config),
            (Target::Timm, BackboneConfig::Vit(config)) => Ok(timm_vit(config)),
            (_, BackboneConfig::Vit(_)) => {
                bail!(
                    "torchvision has no names for a vision transformer as timm has; use --to timm"
                )
            }
            _ => bail!(
                "neither torchvision nor timm has a network with the names of this encoder, a {}; \
                 --to safetensors writes its weights under our names",
                encoder.network.family()
            ),
        }
    }

    /// Returns the lines that load `file`, and compute features of images.
    pub(super) fn script(&self, file: &Path, images: &str) -> String {
        let Self { imports, lines } = self;
        format!(
            "{imports}\nfrom safetensors.torch import load_file\n{lines}\n\
             network.load_state_dict(load_file({}), strict=True)\n\
             {images}\nfeatures = network.eval()(images)",
            literal(file)
        )
    }
}

/// Returns the lines that read the weights of any encoder.
pub(super) fn weights_script(file: &Path, images: &str) -> String {
    let file = literal(file);
    format!(
        "from safetensors.torch import load_file\n\n\
         weights = load_file({file})  # tensors by name\n{images}"
    )
}

/// Returns the lines that run an ONNX model.
pub(super) fn onnx_script(file: &Path, images: &str) -> String {
    let file = literal(file);
    format!(
        "import onnxruntime\n\nsession = onnxruntime.InferenceSession({file})\n{images}\n\
         features = session.run(None, {{session.get_inputs()[0].name: images}})[0]"
    )
}

/// Returns the comment that says what images are; `normalize` is what the file leaves to them.
pub(super) fn images(side: usize, normalize: Option<Normalize>) -> String {
    let values = match normalize {
        Some(Normalize { mean, std }) => {
            format!("from 0 to 1, then\n# normalized by mean {mean:?} and std {std:?}")
        }
        None => "from 0 to 1:\n# the model normalizes them itself".to_owned(),
    };
    format!("# images: float32 [batch, 3, {side}, {side}], RGB, values {values}")
}

fn torchvision(config: &ResNetConfig) -> anyhow::Result<Counterpart> {
    check(config)?;
    let (block, widen) = block(config);
    let (imports, made) = if let Some(name) = published(config) {
        let made = format!("\nnetwork = torchvision.models.{name}()");
        ("import torch, torchvision".to_owned(), made)
    } else {
        let imports =
            format!("import torch\nfrom torchvision.models.resnet import {block}, ResNet");
        let ResNetConfig { blocks, width, .. } = config;
        let widen = if widen == 1 { String::new() } else { format!(", widen={widen}") };
        let made = format!("{NARROW}network = NarrowResNet({block}, {blocks:?}, {width}{widen})");
        (imports, made)
    };
    let lines = format!("{made}{}\nnetwork.fc = torch.nn.Identity()", stem(config));
    Ok(Counterpart { imports, lines })
}

fn timm_resnet(config: &ResNetConfig) -> anyhow::Result<Counterpart> {
    check(config)?;
    let width = config.width;
    ensure!(
        width == 64,
        "timm's residual networks have a width of 64, and this encoder has one of {width}; use \
         --to torchvision, whose networks can be given another"
    );
    let (block, widen) = block(config);
    let (imports, made) = if let Some(name) = published(config) {
        let made = format!("\nnetwork = timm.create_model(\"{name}\", num_classes=0)");
        ("import timm, torch".to_owned(), made)
    } else {
        let imports = format!("import torch\nfrom timm.models.resnet import {block}, ResNet");
        let (blocks, base) = (&config.blocks, 64 * widen);
        let made =
            format!("\nnetwork = ResNet({block}, {blocks:?}, base_width={base}, num_classes=0)");
        (imports, made)
    };
    Ok(Counterpart { imports, lines: format!("{made}{}", stem(config)) })
}

fn timm_vit(config: &VitConfig) -> Counterpart {
    let named = BackboneConfig::Vit(config.clone());
    let name = named.name().filter(|name| backbone(name).as_ref() == Ok(&named));
    if let Some(name) = name {
        let lines = format!("\nnetwork = timm.create_model(\"{name}_patch16_224\", num_classes=0)");
        return Counterpart { imports: "import timm".to_owned(), lines };
    }
    let VitConfig { image, patch, dim, depth, heads, mlp_ratio, registers, .. } = config;
    let mut more = Vec::new();
    if *registers > 0 {
        more.push(format!(" reg_tokens={registers}, no_embed_class=True,"));
    }
    if let Some(scale) = config.layer_scale {
        more.push(format!(" init_values={scale},"));
    }
    if config.pooling == VitPooling::Mean {
        more.push(" class_token=False, global_pool=\"avg\", fc_norm=False,".to_owned());
    }
    let lines = format!(
        "\nnetwork = VisionTransformer(\n    \
         img_size={image}, patch_size={patch}, embed_dim={dim}, depth={depth},\n    \
         num_heads={heads}, mlp_ratio={mlp_ratio}, num_classes=0,{}\n)",
        more.concat()
    );
    let imports = "from timm.models.vision_transformer import VisionTransformer".to_owned();
    Counterpart { imports, lines }
}

/// Refuses residual networks that other libraries cannot build.
fn check(config: &ResNetConfig) -> anyhow::Result<()> {
    let stages = config.blocks.len();
    ensure!(
        stages == 4,
        "the residual networks of other libraries have four stages, and this encoder has {stages}; \
         --to safetensors writes its weights"
    );
    ensure!(
        config.pooling == Pooling::Mean,
        "the residual networks of other libraries have no GeM pooling, which this encoder has; \
         --to safetensors writes its weights"
    );
    Ok(())
}

/// Returns the name that torchvision and timm have for a residual network.
fn published(config: &ResNetConfig) -> Option<&'static str> {
    let config = ResNetConfig { zero_init_last_norm: false, ..config.clone() };
    BackboneConfig::ResNet(config).name().filter(|name| *name != "resnet10")
}

/// Returns the class of the blocks, and how much wider they are inside.
fn block(config: &ResNetConfig) -> (&'static str, usize) {
    match config.block {
        ResNetBlock::Basic => ("BasicBlock", 1),
        ResNetBlock::Bottleneck { widen } => ("Bottleneck", widen),
    }
}

/// Returns the line that puts in the stem for small images, if the encoder has that.
fn stem(config: &ResNetConfig) -> String {
    match config.stem {
        ResNetStem::Small => format!(
            "\nnetwork.conv1 = torch.nn.Conv2d(3, {}, 3, padding=1, bias=False)\n\
             network.maxpool = torch.nn.Identity()",
            config.width
        ),
        ResNetStem::Large => String::new(),
    }
}

/// Returns a path as text in Python, which reads that of JSON.
fn literal(file: &Path) -> Value {
    Value::from(file.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resnet(name: &str) -> ResNetConfig {
        let BackboneConfig::ResNet(config) = backbone(name).unwrap() else { panic!("{name}") };
        config
    }

    #[test]
    fn published_networks_are_taken_by_their_name_and_others_are_built() {
        let large = torchvision(&resnet("resnet50")).unwrap().lines;
        assert_eq!(
            large,
            "\nnetwork = torchvision.models.resnet50()\nnetwork.fc = torch.nn.Identity()"
        );
        let small = ResNetConfig { stem: ResNetStem::Small, width: 8, ..resnet("resnet10") };
        let lines = torchvision(&small).unwrap().lines;
        assert!(lines.contains("NarrowResNet(BasicBlock, [1, 1, 1, 1], 8)\n"), "{lines}");
        assert!(lines.contains("Conv2d(3, 8, 3, padding=1, bias=False)\n"), "{lines}");
        assert!(timm_resnet(&small).err().unwrap().to_string().contains("--to torchvision"));
        let tiny = timm_vit(&VitConfig::tiny(224, 16)).lines;
        assert!(tiny.contains("\"vit_tiny_patch16_224\""), "{tiny}");
        let lines = timm_vit(&VitConfig { registers: 4, ..VitConfig::tiny(32, 4) }).lines;
        assert!(lines.contains("img_size=32, patch_size=4") && lines.contains("reg_tokens=4"));
    }

    #[test]
    fn what_other_libraries_cannot_build_is_refused() {
        let gem = resnet("resnet18").with_gem();
        assert!(torchvision(&gem).err().unwrap().to_string().contains("GeM"));
        let short = ResNetConfig { blocks: vec![1, 1], ..resnet("resnet18") };
        assert!(timm_resnet(&short).err().unwrap().to_string().contains("four stages"));
    }
}
