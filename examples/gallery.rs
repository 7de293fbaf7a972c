//! Writes `docs/reference/recipes.md`: what every operator and every recipe does to an image.
//!
//! `cargo run --release --example gallery` takes no data: it draws its own images.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::Result;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::imageops;
use image::{DynamicImage, RgbImage};
use selfsame::augment::operator::{
    CenterCrop, ChannelDropout, ColorJitter, Cutout, Equalize, GaussianBlur, Grayscale,
    HorizontalFlip, PadCrop, Posterize, RandomErasing, RandomResizedCrop, Resize, Rotation,
    Solarize, VerticalFlip,
};
use selfsame::augment::{Border, JitterConvention, Operator, Recipe, Resampling, view_grid};
use selfsame::datasets::{Dataset, Split, Synthetic, SyntheticConfig};

/// Views of each operator.
const DRAWS: usize = 4;
/// Views shown of a recipe with many alike, such as the patches of EMP-SSL.
const ALIKE: usize = 6;
const SEED: u64 = 1;

fn main() -> Result<()> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/reference");
    let folder = docs.join("gallery");
    std::fs::create_dir_all(&folder)?;
    let mut page = String::from(INTRODUCTION);

    page.push_str("\n## Operators\n");
    let small = image(32)?;
    for operator in operators() {
        let views = vec![vec![operator.clone(), CenterCrop { size: 32 }.into()]; DRAWS];
        let recipe = Recipe { views, ..Recipe::evaluation(32) };
        let name = name(&operator)?;
        save(
            &folder.join(format!("{name}.png")),
            &view_grid(std::slice::from_ref(&small), &recipe, SEED),
        )?;
        write!(page, "\n`{name}`: {operator}\n\n![{name}](gallery/{name}.png)\n")?;
    }

    page.push_str("\n## Recipes\n");
    let large = image(224)?;
    let mut shown: Vec<Recipe> = Vec::new();
    for mut recipe in Recipe::all() {
        if let Some(same) = shown.iter().find(|other| other.views == recipe.views) {
            write!(
                page,
                "\n### {}\n\nAs `{}`. Source: {}.\n",
                recipe.name, same.name, recipe.source
            )?;
            continue;
        }
        shown.push(recipe.clone());
        if recipe.views.iter().all(|view| *view == recipe.views[0]) {
            recipe.views.truncate(ALIKE);
        }
        let photograph = recipe.name.ends_with("imagenet");
        let mut grid =
            view_grid(&[if photograph { &large } else { &small }.clone()], &recipe, SEED);
        if photograph {
            let [width, height] = [grid.width() / 2, grid.height() / 2];
            grid = imageops::resize(&grid, width, height, imageops::FilterType::Triangle);
        }
        let name = &recipe.name;
        save(&folder.join(format!("recipe_{name}.png")), &grid)?;
        write!(
            page,
            "\n### {name}\n\n![{name}](gallery/recipe_{name}.png)\n\n```text\n{recipe}\n```\n"
        )?;
    }
    std::fs::write(docs.join("recipes.md"), page)?;
    Ok(())
}

const INTRODUCTION: &str = "\
# Operators and recipes

Each row shows an image on the left and views of it; views of different sizes are drawn at one size. This
page and its images are written by `cargo run --release --example gallery`.
";

fn image(size: u32) -> Result<DynamicImage> {
    let config = SyntheticConfig { images: 20, size, seed: 0, split: Split::Train };
    Ok(Synthetic::new(config).image(14)?)
}

/// Returns the operator's name in a recipe, and its convention if that is not torchvision's.
fn name(operator: &Operator) -> Result<String> {
    let value = serde_json::to_value(operator)?;
    let convention = value["convention"].as_str().filter(|name| *name != "torchvision");
    let parts = value["op"].as_str().into_iter().chain(convention);
    Ok(parts.collect::<Vec<_>>().join("_"))
}

/// Returns every operator, applied with probability 1.
fn operators() -> Vec<Operator> {
    let (probability, resampling) = (1.0, Resampling::default());
    let area = [0.2, 0.6];
    vec![
        RandomResizedCrop { size: 32, area, aspect: [0.75, 4.0 / 3.0], resampling }.into(),
        Resize { size: 12, resampling }.into(),
        CenterCrop { size: 20 }.into(),
        PadCrop { size: 32, padding: 8, border: Border::Reflect }.into(),
        HorizontalFlip { probability }.into(),
        VerticalFlip { probability }.into(),
        Rotation { degrees: 180.0, probability }.into(),
        ColorJitter {
            brightness: 0.8,
            contrast: 0.8,
            saturation: 0.8,
            hue: 0.2,
            convention: JitterConvention::Torchvision,
            probability,
        }
        .into(),
        ColorJitter {
            brightness: 0.4,
            contrast: 0.8,
            saturation: 0.8,
            hue: 0.2,
            convention: JitterConvention::TensorFlowAdded,
            probability,
        }
        .into(),
        Grayscale { probability }.into(),
        GaussianBlur { kernel_size: Some(7), sigma: [0.1, 2.0], probability }.into(),
        Solarize { threshold: 0.5, probability }.into(),
        Equalize { probability }.into(),
        Posterize { bits: 2, probability }.into(),
        RandomErasing { area: [0.02, 0.4], aspect: [0.3, 3.3], fill: 0.5, probability }.into(),
        Cutout { size: 12, fill: 0.5, probability }.into(),
        ChannelDropout { fill: 0.0, probability }.into(),
    ]
}

fn save(path: &Path, image: &RgbImage) -> Result<()> {
    let file = std::io::BufWriter::new(std::fs::File::create(path)?);
    image.write_with_encoder(PngEncoder::new_with_quality(
        file,
        CompressionType::Best,
        FilterType::Adaptive,
    ))?;
    Ok(())
}
