//! Results of a run, for programs (`result.json`) and for the terminal.

use std::fmt;
use std::path::Path;

use anyhow::Context;
use selfsame::metrics::{Features, Health, HealthConfig, Summary};
use selfsame::report::{Table, percent};
use selfsame::train::RunFolder;
use serde::{Deserialize, Serialize};

/// `result.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Findings {
    pub method: String,
    pub data: String,
    pub seed: u64,
    pub device: String,
    pub epochs: u64,
    pub seconds: Seconds,
    pub images_per_second: f64,
    /// `None` if the images have no labels.
    pub knn: Option<BeforeAfter>,
    pub health: Spread,
    /// What the encoder's features of the test images look like, or of the training images if those
    /// are few.
    pub features: FeatureHealth,
    pub accuracy: Option<Accuracy>,
    /// The accuracy of the linear probe of all labels, class by class.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub classes: Vec<ClassAccuracy>,
    /// The reason why there is no accuracy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// What the run has warned of.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    pub images: Counts,
    pub versions: Versions,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Seconds {
    pub pretrain: f64,
    pub total: f64,
}

/// Accuracy of nearest neighbors before and after training, 0 to 1.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct BeforeAfter {
    pub before: f64,
    pub after: f64,
}

/// Standard deviation of the embedding at the end, and that of an even spread.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Spread {
    pub std: f64,
    pub uniform_std: f64,
}

/// Figures of features that need no labels.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FeatureHealth {
    pub rows: usize,
    pub dim: usize,
    pub std: Option<f64>,
    pub uniform_std: f64,
    pub uniformity: Option<f64>,
    pub rankme: Option<f64>,
    pub alpha_req: Option<f64>,
    pub nesum: Option<f64>,
    pub clid: Option<f64>,
    pub dead_units: usize,
    pub verdict: String,
    /// Eigenvalues of the covariance, the largest first.
    #[serde(skip)]
    pub spectrum: Vec<f64>,
    #[serde(skip)]
    pub is_healthy: bool,
}

impl FeatureHealth {
    /// Measures features, of two rows or more.
    pub(crate) fn of(features: &Features) -> anyhow::Result<Self> {
        let health = Health::of(features, &[], &HealthConfig::default())?;
        Ok(Self {
            rows: health.rows,
            dim: health.dim,
            std: health.embedding_std,
            uniform_std: health.uniform_std,
            uniformity: health.uniformity,
            rankme: health.rankme,
            alpha_req: health.alpha_req,
            nesum: health.nesum,
            clid: health.clid,
            dead_units: health.dead_units.len(),
            verdict: health.words,
            is_healthy: matches!(health.verdict, selfsame::metrics::Verdict::Healthy { .. }),
            spectrum: health.spectrum,
        })
    }
}

/// Test accuracy by the number of labels, 0 to 1.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Accuracy {
    /// With ten labels of each class; `None` if a class has fewer.
    pub labels_10: Option<Row>,
    /// The same by the neighbor-mean probe.
    #[serde(default)]
    pub labels_10_by_neighbors: Option<Row>,
    pub labels_all: Row,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub pretrained: Summary,
    pub random: Summary,
    /// From `selfsame evaluate --scratch`.
    pub scratch: Option<Summary>,
}

/// Share of the test images of a class that are told to be of it; `None` without test images.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ClassAccuracy {
    pub name: String,
    pub accuracy: Option<f64>,
}

/// Names the accuracies of classes.
pub(crate) fn class_accuracies(names: &[String], accuracies: &[Option<f64>]) -> Vec<ClassAccuracy> {
    let pairs = names.iter().zip(accuracies);
    pairs
        .map(|(name, accuracy)| ClassAccuracy { name: name.clone(), accuracy: *accuracy })
        .collect()
}

/// Returns a table of the accuracies of classes by a probe.
pub(crate) fn class_table(classes: &[ClassAccuracy], probe: &str) -> Table {
    let mut table = Table::new(["class", probe]);
    for ClassAccuracy { name, accuracy } in classes {
        let text = accuracy
            .map_or_else(|| "no test images".to_owned(), |share| percent(Summary::of(&[share])));
        table.row([name.as_str(), text.as_str()]);
    }
    table
}

/// Numbers of images.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Counts {
    pub train: usize,
    pub test: usize,
    /// Images that cannot be read.
    pub skipped: usize,
    /// Files that were found and are not used, such as masks.
    pub omitted: usize,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Versions {
    pub selfsame: String,
    pub burn: String,
}

impl Versions {
    /// Returns the versions this program was built with; burn's is that of `Cargo.lock`.
    pub(crate) fn of_this_program() -> Self {
        let [selfsame, burn] = [env!("CARGO_PKG_VERSION"), env!("BURN_VERSION")];
        Self { selfsame: selfsame.to_owned(), burn: burn.to_owned() }
    }
}

impl Findings {
    /// Reads the result of a finished run.
    pub(crate) fn load(folder: &Path) -> anyhow::Result<Self> {
        let path = folder.join(RunFolder::RESULT);
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} holds no finished run", folder.display()))?;
        serde_json::from_str(&text)
            .with_context(|| format!("{} holds no result of this program", path.display()))
    }
}

/// The summary for the terminal.
impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(BeforeAfter { before, after }) = self.knn {
            let (before, after) = (100.0 * before, 100.0 * after);
            writeln!(f, "20-NN accuracy {before:.1} % before training, {after:.1} % after")?;
        }
        if let Some(accuracy) = &self.accuracy {
            writeln!(f, "{}", accuracy.table().to_string().trim_end())?;
        }
        write!(f, "features: {}", self.features.verdict)?;
        self.note.iter().try_for_each(|note| write!(f, "\n{note}"))
    }
}

impl Accuracy {
    /// Returns a row per kind of training, a column per number of labels.
    pub(crate) fn table(&self) -> Table {
        let Self { labels_10: few, labels_10_by_neighbors: means, labels_all: all } = self;
        let mut table = Table::new(["test accuracy", "10 labels per class", "all labels"]);
        let mut row = |name: &str, few: Option<Summary>, all: Option<Summary>| {
            let [few, all] = [few, all].map(|it| it.map_or_else(|| "–".to_owned(), percent));
            table.row([name, few.as_str(), all.as_str()]);
        };
        let pretrained = few.map(|few| few.pretrained);
        row("linear probe, pre-trained encoder", pretrained, Some(all.pretrained));
        row("linear probe, random encoder", few.map(|few| few.random), Some(all.random));
        if let Some(means) = means {
            row("neighbor-mean probe, pre-trained encoder", Some(means.pretrained), None);
            row("neighbor-mean probe, random encoder", Some(means.random), None);
        }
        let scratch = few.and_then(|few| few.scratch);
        if scratch.is_some() || all.scratch.is_some() {
            row("trained from scratch", scratch, all.scratch);
        }
        table
    }
}
