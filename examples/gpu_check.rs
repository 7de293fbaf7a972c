//! Times a step of SimCLR, views and losses on a GPU, and checks their results against the CPU's.
//! Needs only a driver; a Vulkan loader may be in the program's folder.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

use std::fmt::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, bail};
use burn::optim::GradientsParams;
use burn::tensor::{Device, FloatDType, Tensor, TensorData};
use clap::Parser;
use selfsame::augment::{Recipe, ViewKey, ViewMaker};
use selfsame::device::{Inventory, NamedDevice};
use selfsame::losses::{
    BarlowTwinsLossConfig, NtXentLossConfig, VicregLossConfig, barlow_twins, byol, nt_xent, vicreg,
};
use selfsame::models::{Batch, Context, Method, ResNetConfig, SimClrConfig, cast_convolutions};
use selfsame::optim::{GroupedOptimizer, OptimizerConfig, Schedule};
use serde::Serialize;

/// Times a GPU at self-supervised learning, and checks that it computes what the CPU computes.
#[derive(Debug, Parser)]
#[command(version, name = "gpu_check")]
struct Options {
    /// Device to check; an unknown name lists the available ones. `auto` never takes software
    /// Vulkan
    #[arg(long, default_value = "auto")]
    device: String,
    /// File for the results
    #[arg(long, value_name = "FILE", default_value = "gpu_check.json")]
    out: PathBuf,
    /// Smaller sizes, for software Vulkan in two minutes
    #[arg(long)]
    quick: bool,
}

/// Results, as they are written to `--out`.
#[derive(Serialize)]
struct Findings {
    version: &'static str,
    device: &'static str,
    about: String,
    quick: bool,
    against_cpu: Vec<Agreement>,
    timings: Vec<Timing>,
}

/// Distance of a result from the CPU's, relative to the CPU's norm.
#[derive(Serialize)]
struct Agreement {
    what: String,
    apart: f64,
    allowed: f64,
}

#[derive(Serialize)]
struct Timing {
    what: String,
    /// Precision of the convolutions; everything else has single precision.
    precision: &'static str,
    /// First run, which includes the compilation of kernels.
    first_milliseconds: f64,
    /// Median of the later runs.
    milliseconds: f64,
    per_second: f64,
    of: &'static str,
}

fn main() -> ExitCode {
    selfsame::compute_on_this_thread();
    match check(&Options::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("error: this device does not compute what the CPU computes");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether all results agree with the CPU's.
fn check(options: &Options) -> anyhow::Result<bool> {
    let NamedDevice { name, about, device } = find(&options.device)?;
    println!("{name}: {about}");
    let sizes = if options.quick { &QUICK } else { &FULL };
    let mut findings = Findings {
        version: env!("CARGO_PKG_VERSION"),
        device: name,
        about,
        quick: options.quick,
        against_cpu: agreements(&device),
        timings: Vec::new(),
    };
    for agreement in &findings.against_cpu {
        println!("{agreement}");
    }
    for &batch in sizes.batches {
        for precision in precisions(&device) {
            findings.add(time_step(sizes, batch, precision, &device)?);
        }
    }
    for (recipe, images, side) in sizes.views {
        findings.add(time_views(&Recipe::by_name(recipe)?, *images, *side, sizes, &device)?);
    }
    for (loss, dim, batch) in sizes.losses {
        findings.add(time_loss(loss, [*batch, *dim], sizes, &device)?);
    }
    let text = serde_json::to_string_pretty(&findings)? + "\n";
    let unwritable = || format!("cannot write {}", options.out.display());
    std::fs::write(&options.out, text).with_context(unwritable)?;
    println!("results are in {}", options.out.display());
    Ok(findings.against_cpu.iter().all(Agreement::holds))
}

/// Opens the device, unless it is the CPU that it would be compared with.
fn find(name: &str) -> anyhow::Result<NamedDevice> {
    let found = selfsame::device(name)?;
    if found.name != "flex" {
        return Ok(found);
    }
    let mut missing = String::new();
    for backend in Inventory::take().backends.into_iter().filter(|backend| *backend != "flex") {
        let _ = match selfsame::device(backend) {
            // writing to a string cannot fail
            Ok(found) => write!(missing, "\n  `--device {backend}` would use {}", found.about),
            Err(error) => write!(missing, "\n  {error}"),
        };
    }
    if missing.is_empty() {
        bail!("this program has no GPU backend; build it with `--features wgpu` or `vulkan`");
    }
    bail!("there is no GPU to check:{missing}")
}

/// Sizes of the computations.
struct Sizes {
    /// Channels of the first stage of ResNet-18.
    width: usize,
    /// Images per step, of 32 pixels, two views each.
    batches: &'static [usize],
    /// Recipe, number of images, and their side in pixels.
    views: &'static [(&'static str, usize, usize)],
    /// Loss, width of the embedding, and number of images.
    losses: &'static [(&'static str, usize, usize)],
    /// Repetitions after the first run.
    times: usize,
}

const FULL: Sizes = Sizes {
    width: 64,
    batches: &[256, 512],
    views: &[("simclr_cifar", 512, 32), ("simclr_imagenet", 512, 256)],
    losses: &[
        ("nt_xent", 128, 512),
        ("nt_xent", 128, 4096),
        ("barlow_twins", 2048, 512),
        ("vicreg", 2048, 512),
        ("byol", 256, 512),
    ],
    times: 20,
};

const QUICK: Sizes = Sizes {
    width: 8,
    batches: &[8, 16],
    views: &[("simclr_cifar", 16, 32), ("simclr_imagenet", 2, 64)],
    losses: &[
        ("nt_xent", 128, 64),
        ("barlow_twins", 128, 64),
        ("vicreg", 128, 64),
        ("byol", 128, 64),
    ],
    times: 2,
};

impl Findings {
    fn add(&mut self, timing: Timing) {
        let Timing { what, precision, first_milliseconds, milliseconds, per_second, of } = &timing;
        println!(
            "{what}, {precision}: {milliseconds:.1} ms, {per_second:.0} {of}/s, first run \
             {first_milliseconds:.0} ms"
        );
        self.timings.push(timing);
    }
}

impl Agreement {
    fn holds(&self) -> bool {
        self.apart <= self.allowed
    }
}

impl std::fmt::Display for Agreement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let verdict = if self.holds() { "agrees with the CPU" } else { "DISAGREES with the CPU" };
        write!(
            f,
            "{}: {verdict} (relative distance {:.1e}, {:.0e} allowed)",
            self.what, self.apart, self.allowed
        )
    }
}

/// Times `work` once, and then `times` times; each time ends when the device has finished.
fn time(
    (what, of, count): (String, &'static str, usize),
    times: usize,
    device: &Device,
    mut work: impl FnMut(),
) -> anyhow::Result<Timing> {
    let mut once = || {
        let start = Instant::now();
        work();
        device.sync().context("the device stopped")?;
        anyhow::Ok(start.elapsed().as_secs_f64() * 1e3)
    };
    let first_milliseconds = once()?;
    let mut later = (0..times).map(|_| once()).collect::<anyhow::Result<Vec<f64>>>()?;
    later.sort_by(f64::total_cmp);
    let milliseconds = later[times / 2];
    let per_second = count as f64 / milliseconds * 1e3;
    Ok(Timing { what, precision: "f32", first_milliseconds, milliseconds, per_second, of })
}

/// Returns single precision and the half precisions that the device supports.
fn precisions(device: &Device) -> impl Iterator<Item = FloatDType> {
    let halves = [FloatDType::F16, FloatDType::BF16];
    let halves = halves.into_iter().filter(|half| device.supports_dtype(*half));
    std::iter::once(FloatDType::F32).chain(halves)
}

/// Times forward, backward and update, with convolutions in `precision`.
fn time_step(
    sizes: &Sizes,
    batch: usize,
    precision: FloatDType,
    device: &Device,
) -> anyhow::Result<Timing> {
    let device = device.clone().autodiff();
    let encoder = ResNetConfig::resnet18(sizes.width).init(0, &device);
    let mut method = SimClrConfig::default().init(encoder, 0, &device);
    let (sgd, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::constant(1e-3));
    let mut optimizer = GroupedOptimizer::new(sgd, schedule, Vec::new(), None)?;
    let view = |from: u64| values([batch, 3, 32, 32], from, &device);
    let (views, context) = (Batch::new(vec![view(1), view(2)]), Context::default());
    let what = format!("step of SimCLR, ResNet-18 of width {}, {batch} images", sizes.width);
    let timing = time((what, "images", batch), sizes.times, &device, || {
        let step = cast_convolutions(&method, precision).step(&views, &context);
        let gradients = GradientsParams::from_grads(step.loss.backward(), &method);
        method = optimizer.step(0, 1, method.clone(), gradients);
    })?;
    let precision = match precision {
        FloatDType::F16 => "f16",
        FloatDType::BF16 => "bf16",
        _ => "f32",
    };
    Ok(Timing { precision, ..timing })
}

/// Times all views of a batch on the device.
fn time_views(
    recipe: &Recipe,
    images: usize,
    side: usize,
    sizes: &Sizes,
    device: &Device,
) -> anyhow::Result<Timing> {
    let batch = pixels(values([images, 3, side, side], 3, device));
    let keys = keys(images);
    let views = recipe.view_count();
    let what = format!("{views} views `{}` of {images} images of {side} px", recipe.name);
    time((what, "views", images * views), sizes.times, device, || {
        let _ = recipe.views_on_device(batch.clone(), &keys);
    })
}

/// Times a loss, forward and backward.
fn time_loss(
    name: &str,
    shape: [usize; 2],
    sizes: &Sizes,
    device: &Device,
) -> anyhow::Result<Timing> {
    let views = [1, 2].map(|from| values(shape, from, device).autodiff().require_grad());
    let what = format!("{name} of {} × {}", shape[0], shape[1]);
    time((what, "images", shape[0]), sizes.times, device, || {
        let _ = loss(name, views.clone()).backward();
    })
}

/// Computes on the device and on the CPU, at sizes that take a CPU seconds, and compares.
fn agreements(device: &Device) -> Vec<Agreement> {
    let compare = |what: &str, allowed: f64, compute: &dyn Fn(&Device) -> Vec<f32>| Agreement {
        what: what.to_owned(),
        apart: apart(&compute(device), &compute(&Device::flex())),
        allowed,
    };
    let mut found = vec![
        compare("views", 1e-4, &|device| {
            let images = pixels(values([4, 3, 32, 32], 3, device));
            let views = Recipe::simclr_cifar().views_on_device(images, &keys(4));
            views.into_iter().flat_map(host).collect()
        }),
        compare("embeddings of ResNet-18, and SimCLR's loss", 1e-3, &|device| {
            let device = device.clone().autodiff();
            let encoder = ResNetConfig::resnet18(8).init(0, &device);
            let method = SimClrConfig::default().init(encoder, 0, &device);
            let view = |from: u64| values([16, 3, 32, 32], from, &device);
            let batch = Batch::new(vec![view(1), view(2)]);
            let step = method.step(&batch, &Context::default());
            [host(step.loss), step.embedding.map(host).unwrap_or_default()].concat()
        }),
    ];
    for name in ["nt_xent", "barlow_twins", "vicreg", "byol"] {
        found.push(compare(&format!("{name} and its gradient"), 1e-4, &|device| {
            loss_and_gradient(name, [1, 2].map(|from| values([64, 32], from, device)))
        }));
    }
    found
}

fn loss_and_gradient(name: &str, [a, b]: [Tensor<2>; 2]) -> Vec<f32> {
    let a = a.autodiff().require_grad();
    let loss = loss(name, [a.clone(), b.autodiff()]);
    let gradient = a.grad(&loss.backward()).map(host);
    [host(loss), gradient.unwrap_or_default()].concat()
}

fn loss(name: &str, [a, b]: [Tensor<2>; 2]) -> Tensor<1> {
    match name {
        "nt_xent" => nt_xent(a, b, &NtXentLossConfig::default()),
        "barlow_twins" => barlow_twins(a, b, &BarlowTwinsLossConfig::default()),
        "vicreg" => vicreg(a, b, &VicregLossConfig::default()),
        _ => byol(a.clone(), b.clone(), a, b),
    }
}

/// Returns pseudorandom values between −1 and 1, the same at every call and on every device.
fn values<const D: usize>(dims: [usize; D], from: u64, device: &Device) -> Tensor<D> {
    let mut state = from;
    let mut next = || {
        // The upper 24 bits of SplitMix64.
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) >> 40) as f32 / 8_388_608.0 - 1.0
    };
    let elements = (0..dims.iter().product()).map(|_| next()).collect::<Vec<f32>>();
    Tensor::from_data(TensorData::new(elements, dims), device)
}

/// Maps values from −1 to 1 to pixels from 0 to 1.
fn pixels(values: Tensor<4>) -> Tensor<4> {
    values * 0.5 + 0.5
}

fn keys(images: usize) -> Vec<ViewKey> {
    let key = |image| ViewKey { seed: 0, epoch: 0, sample: image, view: 0 };
    (0..images as u64).map(key).collect()
}

fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.inner().into_data().iter::<f32>().collect()
}

/// Returns the distance of two vectors relative to the norm of the second.
fn apart(found: &[f32], want: &[f32]) -> f64 {
    let norm = |vector: Vec<f64>| vector.iter().map(|x| x * x).sum::<f64>().sqrt();
    let pairs = found.iter().zip(want);
    let distance = norm(pairs.map(|(a, b)| f64::from(*a) - f64::from(*b)).collect());
    distance / norm(want.iter().map(|b| f64::from(*b)).collect())
}
