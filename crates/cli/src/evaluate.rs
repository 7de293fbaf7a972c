//! `selfsame evaluate`: measure what an encoder has learned.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use selfsame::files::write_atomically;
use selfsame::metrics::{
    Knn, LabeledFeatures, LinearProbe, NearestClassMean, ProbeProtocol, ReadOut,
    evaluate_few_labels,
};
use selfsame::train::RunFolder;

use crate::amount::Amount;
use crate::data_options::DataOptions;
use crate::encoder::{Encoder, EncoderOptions};
use crate::evaluation::{Evaluation, Few, ReadOutAccuracy};
use crate::exhibit::Exhibit;
use crate::features::ImageFeatures;
use crate::findings::Findings;
use crate::images::Images;
use crate::judge::{Judge, is_averaged};
use crate::report::write_again;
use crate::run::resume_command;
use crate::settings::{DataSettings, Settings};
use crate::signals::Signals;
use crate::supervised::WithLabels;
use crate::terminal::Terminal;

/// Test images at most, each class in proportion.
const TEST_LIMIT: usize = 10_000;

/// Measure an encoder: nearest neighbors, linear probe, few labels, fine-tuning.
///
/// Accuracy is measured on test images, which choose nothing: settings are chosen on part of the
/// training images. The results of a run are added to its report.html and to its evaluations.json.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "flags of a command line")]
pub(crate) struct Options {
    #[command(flatten)]
    encoder: EncoderOptions,
    /// Labeled images [default: those of the run]
    #[arg(value_name = "DATA")]
    data: Vec<PathBuf>,
    /// Numbers of labels to measure with: per class, as a share, or all [default:
    /// 1,2,5,10,25,100,1%,10%,all, as far as there are as many; 10,all with --finetune or --scratch]
    #[arg(long, value_name = "AMOUNTS", value_delimiter = ',')]
    labels: Vec<Amount>,
    /// Samples of labels for each number; the mean and its 95 % interval are shown
    #[arg(long, value_name = "N", default_value_t = 5,
          value_parser = clap::value_parser!(u64).range(1..=1000))]
    samples: u64,
    /// How the linear probe is fitted
    #[arg(long, value_name = "NAME", default_value = "dinov3")]
    protocol: Protocol,
    /// Train the encoder on with the labels, too
    #[arg(long)]
    finetune: bool,
    /// Train the same network from scratch with the labels, to compare
    #[arg(long)]
    scratch: bool,
    /// Fewer steps, and no choice of settings, with --finetune and --scratch
    #[arg(long)]
    quick: bool,
    /// Number of training images, each class in proportion [default: all, or that of the run]
    #[arg(long, value_name = "IMAGES", value_parser = clap::value_parser!(u64).range(2..))]
    limit: Option<u64>,
    /// Seed of the label samples [default: that of the run, or 0]
    #[arg(long)]
    seed: Option<u64>,
    /// Threads that prepare views [default: one per core]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=1024))]
    threads: Option<u32>,
    #[command(flatten)]
    images: DataOptions,
}

/// Protocols of the linear probe.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Protocol {
    /// L-BFGS, with a penalty chosen among 45 on part of the training images
    Dinov3,
    /// 90 epochs of SGD, as in lightly's benchmarks
    Lightly,
    /// 100 epochs of SGD, as in solo-learn
    SoloLearn,
    /// Adam, as in TensorFlow Similarity's examples
    TfSimilarity,
}

impl Protocol {
    fn probe(self) -> ProbeProtocol {
        match self {
            Self::Dinov3 => ProbeProtocol::dinov3(),
            Self::Lightly => ProbeProtocol::lightly(),
            Self::SoloLearn => ProbeProtocol::solo_learn(),
            Self::TfSimilarity => ProbeProtocol::tf_similarity(),
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Dinov3 => "DINOv3",
            Self::Lightly => "lightly",
            Self::SoloLearn => "solo-learn",
            Self::TfSimilarity => "TensorFlow Similarity",
        }
    }
}

impl Options {
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<()> {
        Signals::listen()?;
        let encoder = Encoder::open(&self.encoder)?;
        let run = encoder.run.clone().map(RunFolder::resume).transpose()?;
        if let Some(run) = run.as_ref().filter(|run| !run.has_result()) {
            bail!(
                "{} holds an unfinished run; finish it first with\n  {}",
                run.path().display(),
                resume_command(run.path())
            );
        }
        let settings = encoder.settings()?;
        let data = self.data(settings.as_ref(), &encoder)?;
        let is_transfer = settings.as_ref().is_none_or(|run| run.data.paths != data.paths);
        // That of the run decides which images are tested on.
        let split_seed = settings.as_ref().map_or(0, |run| run.seed);
        let seed = self.seed.unwrap_or(split_seed);
        let exclude: Vec<&Path> = run.iter().map(RunFolder::path).collect();
        let images = Images::load(&data, encoder.side(), split_seed, &exclude)?;
        terminal.note(images.describe());
        let judge = Judge::new(&images, seed).with_context(|| {
            format!("{}: {} Or name labeled images as DATA.", data.name(), images.why_not_tested())
        })?;
        let features =
            ImageFeatures::extract(&images, &encoder.shown, &encoder.network, &encoder.device)?;

        let evaluation = Evaluation {
            is_transfer,
            ..self.measure(&judge, &features, &data, &encoder, terminal)?
        };
        let mut evaluation = Evaluation {
            classes: images.train.class_names().to_vec(),
            few: self.few(&judge, &features, &images, &encoder, &data, terminal)?,
            ..evaluation
        };
        if let (Some(run), Some(settings)) = (&run, &settings) {
            evaluation = evaluation.save(run.path())?;
            if !is_transfer && self.is_as_trained() {
                add_scratch(run.path(), &evaluation)?;
            }
            let own = (!is_transfer).then_some((&images, &features));
            write_again(run, &run.file(RunFolder::REPORT), settings, &encoder, own, Exhibit::MOST)?;
        }
        if terminal.json {
            return terminal.json(&evaluation);
        }
        terminal.result(evaluation.table().to_string().trim_end())?;
        terminal.result("")?;
        terminal.result(evaluation.few_labels()?.table().to_string().trim_end())?;
        if let Some(run) = &run {
            let path = run.file(RunFolder::REPORT);
            terminal.note(format_args!("added to {}", path.display()));
        }
        Ok(())
    }

    /// Returns the images to evaluate on.
    fn data(&self, run: Option<&Settings>, encoder: &Encoder) -> anyhow::Result<DataSettings> {
        let mut data = match (self.data.is_empty(), run) {
            (true, Some(run)) => run.data.clone(),
            (true, None) => bail!("weights alone name no images; give labeled images as DATA"),
            (false, _) => DataSettings {
                paths: self.data.iter().map(std::path::absolute).collect::<Result<_, _>>()?,
                test_limit: TEST_LIMIT,
                ..DataSettings::default()
            },
        };
        data.pixels = self.images.pixels(&encoder.pixels);
        data.layout = self.images.layout.unwrap_or(data.layout);
        if !self.images.classes.is_empty() {
            data.classes.clone_from(&self.images.classes);
        }
        data.strict |= self.images.strict;
        if let Some(limit) = self.limit {
            data.limit = Some(usize::try_from(limit)?);
        }
        Ok(data)
    }

    fn measure(
        &self,
        judge: &Judge,
        features: &ImageFeatures,
        data: &DataSettings,
        encoder: &Encoder,
        terminal: Terminal,
    ) -> anyhow::Result<Evaluation> {
        let (probe, title) = match self.protocol {
            // A penalty is chosen on labels that are held out.
            Protocol::Dinov3 if !judge.can_hold_out() => {
                terminal.note("one label per class is too few to choose a penalty, so it is fixed");
                (ProbeProtocol::Fixed(LinearProbe::few_labels()), "a fixed penalty")
            }
            protocol => (protocol.probe(), protocol.title()),
        };
        terminal.note(format_args!("fitting the linear probe of {title}"));
        let rows = judge.labeled(features);
        let train = LabeledFeatures::new(&rows, &judge.train)?;
        let probe = probe.fit(train, judge.classes)?;
        Ok(Evaluation {
            data: data.name(),
            encoder: encoder.stamp,
            is_transfer: false,
            seed: judge.seed(),
            train: judge.train.len(),
            test: judge.test.len(),
            classes: Vec::new(),
            protocol: title.to_owned(),
            knn: judge.knn(features)?,
            probe: probe.evaluate(judge.tested(features)?)?,
            few: Vec::new(),
        })
    }

    /// Measures accuracy with few labels, by all read-outs and kinds of training asked for.
    fn few(
        &self,
        judge: &Judge,
        features: &ImageFeatures,
        images: &Images,
        encoder: &Encoder,
        data: &DataSettings,
        terminal: Terminal,
    ) -> anyhow::Result<Vec<Few>> {
        let rows = judge.labeled(features);
        let train = LabeledFeatures::new(&rows, &judge.train)?;
        let test = judge.tested(features)?;
        let read_outs = [
            (
                "linear probe, C = 0.01",
                ReadOut::Probe(ProbeProtocol::Fixed(LinearProbe::few_labels())),
            ),
            ("nearest class mean", ReadOut::NearestClassMean(NearestClassMean::default())),
            ("20-NN", ReadOut::Knn(Knn::default())),
        ];
        let with_labels = WithLabels {
            images,
            encoder,
            threads: self.threads.map_or_else(
                || std::thread::available_parallelism().map_or(1, usize::from),
                |threads| threads as usize,
            ),
            seed: judge.seed(),
            is_drawn: data.paths.is_empty(),
            quick: self.quick,
            quiet: terminal.quiet,
        };
        let (mut drawn, mut not_enough) = (Vec::new(), Vec::new());
        for amount in self.amounts() {
            match amount.samples(&judge.train, judge.classes, self.samples, judge.seed())? {
                Some(samples) => drawn.push((amount, samples)),
                None => not_enough.push(amount.to_string()),
            }
        }
        let is_averaged = |sample: &Vec<usize>| is_averaged(features, sample);
        let samples = drawn.iter().flat_map(|(_, samples)| samples);
        let averaged: Vec<Vec<usize>> = samples.filter(|it| is_averaged(it)).cloned().collect();
        let by_neighbors = if averaged.is_empty() {
            None
        } else {
            Some(judge.neighbor_mean_probe(features, &averaged)?)
        };
        let mut found = Vec::new();
        for (amount, samples) in drawn {
            let kinds: Vec<ReadOut> = read_outs.iter().map(|(_, kind)| kind.clone()).collect();
            let measured = evaluate_few_labels(&kinds, train, test, judge.classes, &samples)?;
            let named = read_outs.iter().zip(&measured);
            let mut accuracies: Vec<ReadOutAccuracy> =
                named.map(|((name, _), few)| ReadOutAccuracy::of(name, &few.accuracies)).collect();
            if let Some(probe) = by_neighbors.as_ref().filter(|_| samples.iter().all(is_averaged)) {
                let found = probe.accuracies(&samples)?;
                accuracies.insert(1, ReadOutAccuracy::of("neighbor-mean probe", &found));
            }
            let mut add = |name: &str, summary| {
                let samples = samples.len();
                accuracies.push(ReadOutAccuracy::of_summary(name, summary, samples));
            };
            if self.finetune {
                add("fine-tuned", with_labels.fine_tuned(amount, &samples)?);
            }
            if self.scratch {
                add("from scratch", with_labels.trained_from_scratch(amount, &samples)?);
            }
            let count = samples.first().map_or(0, Vec::len);
            found.push(Few { labels: amount.to_string(), count, read_outs: accuracies });
        }
        if !not_enough.is_empty() {
            terminal.note(format_args!(
                "not measured: {}; that is less than one label per class, or more than the {} of the \
                 smallest class",
                not_enough.join(", "),
                judge.smallest
            ));
        }
        Ok(found)
    }

    /// Whether the labels are those that the run itself measures with.
    fn is_as_trained(&self) -> bool {
        let DataOptions { layout, classes, channels, range, .. } = &self.images;
        let same_images = layout.is_none() && classes.is_empty();
        let same_pixels = channels.is_none() && range.is_none();
        same_images && same_pixels && self.limit.is_none() && self.seed.is_none() && !self.quick
    }

    fn amounts(&self) -> Vec<Amount> {
        if !self.labels.is_empty() {
            return self.labels.clone();
        }
        if self.finetune || self.scratch {
            return vec![Amount::PerClass(10), Amount::All];
        }
        Amount::USUAL.to_vec()
    }
}

/// Adds what training from scratch came to, to the result of the run.
fn add_scratch(folder: &Path, evaluation: &Evaluation) -> anyhow::Result<()> {
    let mut findings = Findings::load(folder)?;
    let Some(accuracy) = &mut findings.accuracy else { return Ok(()) };
    let scratch = |labels: &str| {
        let few = evaluation.few.iter().find(|few| few.labels == labels)?;
        let found = few.read_outs.iter().find(|read_out| read_out.name == "from scratch")?;
        Some(found.summary)
    };
    let (few, all) = (scratch("10"), scratch("all"));
    if few.is_none() && all.is_none() {
        return Ok(());
    }
    accuracy.labels_all.scratch = all.or(accuracy.labels_all.scratch);
    if let Some(row) = &mut accuracy.labels_10 {
        row.scratch = few.or(row.scratch);
    }
    let path = folder.join(RunFolder::RESULT);
    let text = serde_json::to_string_pretty(&findings)? + "\n";
    write_atomically(&path, text.as_bytes())
        .with_context(|| format!("cannot write {}", path.display()))
}
