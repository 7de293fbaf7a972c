//! Not only images: SimCLR on waveforms of one dimension. Data, views and network are of this file;
//! method, loader and trainer are those of images, unchanged. Takes a few seconds.

#![allow(clippy::print_stdout, reason = "a program that prints its results")]

use std::f32::consts::TAU;

use burn::module::Module;
use burn::nn::PaddingConfig1d;
use burn::nn::conv::{Conv1d, Conv1dConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use rand::RngExt;
use selfsame::augment::ViewKey;
use selfsame::datasets::DataError;
use selfsame::metrics::{Features, Knn, LabeledFeatures};
use selfsame::models::{Backbone, BatchNorm, BatchNormConfig, Method, Seed, SimClrConfig};
use selfsame::optim::{OptimizerConfig, Schedule};
use selfsame::samplers::{Loader, Shuffled, ViewSource};
use selfsame::train::{Trainer, TrainerConfig, extract_features_of};

const CLASSES: usize = 5;
const LENGTH: usize = 160;
const VIEW: usize = 128;

/// Waves of five forms with random frequency, phase and noise; the form is the class.
struct Waves {
    samples: usize,
    seed: u64,
    /// 2 augmented views to train on, or 1 plain view to measure.
    views: usize,
}

impl Waves {
    /// Draws a signal; it depends on the seed and its index alone.
    fn signal(&self, index: usize) -> [f32; LENGTH] {
        let mut rng = ViewKey { seed: self.seed, epoch: 0, sample: index as u64, view: 0 }.rng();
        let (periods, phase) = (rng.random_range(3.0..9.0), rng.random_range(0.0..1.0));
        std::array::from_fn(|time| {
            let turn: f32 = (time as f32 / LENGTH as f32 * periods + phase).fract();
            let wave = match index % CLASSES {
                0 => (TAU * turn).sin(),
                1 => (0.5 - turn).signum(),
                2 => 4.0 * (turn - 0.5).abs() - 1.0,
                3 => 2.0 * turn - 1.0,
                _ => 0.8 + 1.2 * (0.15 - turn).signum(),
            };
            wave + rng.random_range(-0.5..0.5)
        })
    }
}

impl ViewSource for Waves {
    fn samples(&self) -> usize {
        self.samples
    }

    fn view_count(&self) -> usize {
        self.views
    }

    fn view_dims(&self, _view: usize) -> Vec<usize> {
        vec![1, VIEW]
    }

    /// Crops each view at random, scales it, and adds jitter.
    fn write_views(
        &self,
        index: usize,
        key: ViewKey,
        views: &mut [&mut [f32]],
    ) -> Result<Option<usize>, DataError> {
        let signal = self.signal(index);
        for (view, values) in (0..).zip(views) {
            let mut rng = ViewKey { view, ..key }.rng();
            let is_plain = self.views == 1;
            let start = if is_plain { 0 } else { rng.random_range(0..=LENGTH - VIEW) };
            let scale = if is_plain { 1.0 } else { rng.random_range(0.5..1.5) };
            let jitter = if is_plain { 0.0 } else { 0.2 };
            for (value, x) in values.iter_mut().zip(&signal[start..]) {
                *value = x * scale + jitter * rng.random_range(-1.0..1.0);
            }
        }
        Ok(Some(index % CLASSES))
    }
}

/// Three convolutions of stride 2, and the mean over time.
#[derive(Module, Debug)]
struct ConvNet {
    convs: Vec<Conv1d>,
    norms: Vec<BatchNorm>,
}

impl ConvNet {
    fn new(widths: [usize; 4], seed: Seed, device: &Device) -> Self {
        let convs = widths.windows(2).enumerate().map(|(index, pair)| {
            let config = Conv1dConfig::new(pair[0], pair[1], 7).with_stride(2).with_bias(false);
            let conv = config.with_padding(PaddingConfig1d::Explicit(3, 3)).init(device);
            // burn's own weights come from a generator of the whole process; these from the seed.
            let std = (2.0 / (pair[0] * 7) as f64).sqrt();
            let seed = seed.at("convs").at(index).at("weight");
            Conv1d { weight: seed.normal([pair[1], pair[0], 7], std, device), ..conv }
        });
        let norms = widths[1..].iter().map(|width| BatchNormConfig::new(*width).init(device));
        Self { convs: convs.collect(), norms: norms.collect() }
    }
}

impl Backbone for ConvNet {
    type Input = Tensor<3>;

    fn forward(&self, signals: Tensor<3>) -> Tensor<2> {
        let layers = self.convs.iter().zip(&self.norms);
        let maps = layers.fold(signals, |x, (conv, norm)| relu(norm.forward(conv.forward(x))));
        maps.mean_dim(2).squeeze_dim(2)
    }

    fn d_output(&self) -> usize {
        self.convs.last().map_or(1, |conv| conv.weight.dims()[0])
    }
}

fn main() -> anyhow::Result<()> {
    selfsame::compute_on_this_thread();
    let device = Device::flex().autodiff();
    let train = |views| Waves { samples: 1000, seed: 0, views };
    let loader = Loader::of(train(2), Shuffled::new(1000, 100, 0)?, 2, 0)?;
    let encoder = ConvNet::new([1, 8, 16, 32], Seed::new(0), &device);
    let method = SimClrConfig::default().init(encoder, 0, &device);
    let knn = |encoder: &ConvNet| -> anyhow::Result<f64> {
        let features = |source: &Waves| -> anyhow::Result<(Features, Vec<usize>)> {
            let forward = |signals| encoder.forward(signals);
            let found = extract_features_of(source, 100, &Device::flex(), forward)?;
            Ok((found.features, found.labels.into_iter().flatten().collect()))
        };
        let (known, classes) = features(&train(1))?;
        let (queries, wanted) = features(&Waves { samples: 500, seed: 1, views: 1 })?;
        let known = LabeledFeatures::new(&known, &classes)?;
        let queries = LabeledFeatures::new(&queries, &wanted)?;
        Ok(Knn::default().accuracy(known, queries, CLASSES)?)
    };
    let before = knn(&method.encoder().valid())?;
    let (optimizer, schedule) = (OptimizerConfig::sgd(0.9, 5e-4), Schedule::one_cycle(0.1));
    let config = TrainerConfig::new(10, optimizer, schedule);
    let outcome = Trainer::new(method, loader, config, &device)?.fit()?;
    let after = knn(&outcome.method.encoder().valid())?;
    println!("waves  kNN before {before:.3} after {after:.3}  {:.1} s", outcome.seconds);
    Ok(())
}
