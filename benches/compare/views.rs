//! Our side of `compare.py views`. Answers a case with views or images per second, on one thread.

use std::io::{BufRead, stdin};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use image::DynamicImage;
use selfsame::augment::{CropBox, Plan, Recipe, Scratch, ViewKey, ViewMaker};
use selfsame::datasets::{EncodedImage, Region, decode_image};
use selfsame_benches::answer::answer_with;

/// Time for which a case is measured.
const SPAN: Duration = Duration::from_millis(600);

fn main() -> Result<()> {
    for line in stdin().lock().lines() {
        let line = line?;
        let task = line.split_once(", ").map_or(line.as_str(), |(task, _peer)| task);
        answer_with(match task {
            "32 px SimCLR" => views(&decoded("small")?, &Recipe::simclr_cifar()),
            "224 px SimCLR with blur" => {
                views(&decoded("photographs")?, &Recipe::simclr_imagenet())
            }
            "224 px SimCLR with decoding" => decoded_views(&Recipe::simclr_imagenet())?,
            "decoding alone" => decoding()?,
            other => bail!("no case `{other}`"),
        });
    }
    Ok(())
}

/// Reads the files that the peers' side has unpacked.
fn files(set: &str) -> Result<Vec<Vec<u8>>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("compare/.images").join(set);
    let entries = std::fs::read_dir(&folder).with_context(|| format!("{}", folder.display()))?;
    let mut paths: Vec<_> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    paths.iter().map(|path| Ok(std::fs::read(path)?)).collect()
}

fn decoded(set: &str) -> Result<Vec<DynamicImage>> {
    files(set)?.iter().map(|bytes| Ok(decode_image(bytes)?.into_rgb8().into())).collect()
}

/// Returns the results per second of `work` on one image after the other; `work` returns how many
/// it made.
fn rate(images: usize, mut work: impl FnMut(usize) -> usize) -> f64 {
    work(0);
    let (mut results, mut turn, start) = (0, 0, Instant::now());
    while start.elapsed() < SPAN {
        results += work(turn % images);
        turn += 1;
    }
    results as f64 / start.elapsed().as_secs_f64()
}

fn key(epoch: u64, image: usize, view: u32) -> ViewKey {
    ViewKey { seed: 0, epoch, sample: image as u64, view }
}

/// Measures both views of images in memory.
fn views(images: &[DynamicImage], recipe: &Recipe) -> f64 {
    let mut out = vec![0.0; recipe.view_dims(0).iter().product()];
    let (mut scratch, mut turn) = (Scratch::default(), 0);
    rate(images.len(), |place| {
        turn += 1;
        for view in 0..2 {
            recipe.write_view(&images[place], key(turn, place, view), &mut scratch, &mut out);
        }
        2
    })
}

/// Measures both views of files, each decoded once, at the smallest scale that the views allow.
fn decoded_views(recipe: &Recipe) -> Result<f64> {
    let files = files("photographs")?;
    let mut out = vec![0.0; recipe.view_dims(0).iter().product()];
    let (mut scratch, mut turn, mut failed) = (Scratch::default(), 0, None);
    let number = rate(files.len(), |place| {
        turn += 1;
        let mut both = || -> Result<()> {
            let image = EncodedImage::open(&files[place])?;
            let [width, height] = image.size().map(|side| side as usize);
            let plans = [0, 1].map(|view| recipe.plan(key(turn, place, view), [height, width]));
            let scale = plans.iter().map(Plan::smallest_scale).min().unwrap_or(1);
            let part = plans[0].part().with(plans[1].part());
            let CropBox { top, left, height, width } = part;
            let region = Region { top, left, height, width };
            let image = image.decode_region(u32::try_from(scale)?, region)?;
            for plan in &plans {
                recipe.write_planned(&image, plan, &mut scratch, &mut out);
            }
            Ok(())
        };
        failed = both().err().or(failed.take());
        2
    });
    failed.map_or(Ok(number), Err)
}

/// Measures decoding at full size.
fn decoding() -> Result<f64> {
    let files = files("photographs")?;
    let mut failed = None;
    let number = rate(files.len(), |place| {
        failed = decode_image(&files[place]).err().or(failed.take());
        1
    });
    Ok(failed.map_or(Ok(number), Err)?)
}
