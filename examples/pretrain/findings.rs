//! Results of a run, for programs (`result.json`) and for the terminal.

use std::fmt;

use selfsame::metrics::Summary;
use selfsame::report::{Table, percent};
use serde::Serialize;

/// `result.json`.
#[derive(Debug, Serialize)]
pub(crate) struct Findings {
    pub method: String,
    pub data: String,
    pub seed: u64,
    pub device: &'static str,
    pub epochs: u64,
    pub seconds: Seconds,
    pub images_per_second: f64,
    /// `None` if the images have no labels.
    pub knn: Option<BeforeAfter>,
    pub health: Spread,
    pub accuracy: Option<Accuracy>,
    /// The reason why there is no accuracy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub images: Counts,
    pub versions: Versions,
}

#[derive(Debug, Serialize)]
pub(crate) struct Seconds {
    pub pretrain: f64,
    pub total: f64,
}

/// Accuracy of nearest neighbors before and after training, 0 to 1.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct BeforeAfter {
    pub before: f64,
    pub after: f64,
}

/// Standard deviation of the embedding at the end, and that of an even spread.
#[derive(Debug, Serialize)]
pub(crate) struct Spread {
    pub std: f64,
    pub uniform_std: f64,
}

/// Test accuracy by the number of labels, 0 to 1.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Accuracy {
    pub labels_10: Row,
    pub labels_all: Row,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Row {
    pub pretrained: Summary,
    pub random: Summary,
    /// `None` with `--no-scratch`.
    pub scratch: Option<Summary>,
}

/// Numbers of images.
#[derive(Debug, Serialize)]
pub(crate) struct Counts {
    pub train: usize,
    pub test: usize,
    /// Images that cannot be read.
    pub skipped: usize,
    /// Files that were found and are not used, such as masks.
    pub omitted: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct Versions {
    pub selfsame: &'static str,
    pub burn: &'static str,
}

/// The versions this program was built with; burn's is that of `Cargo.lock`.
pub(crate) const VERSIONS: Versions =
    Versions { selfsame: env!("SELFSAME_VERSION"), burn: env!("BURN_VERSION") };

/// The summary for the terminal.
impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(BeforeAfter { before, after }) = self.knn {
            let (before, after) = (100.0 * before, 100.0 * after);
            writeln!(f, "20-NN accuracy {before:.1} % before training, {after:.1} % after")?;
        }
        match &self.accuracy {
            Some(accuracy) => write!(f, "{}", accuracy.table()),
            None => f.write_str(self.note.as_deref().unwrap_or_default()),
        }
    }
}

impl Accuracy {
    /// Returns a row per kind of training, a column per number of labels.
    pub(crate) fn table(&self) -> Table {
        let Self { labels_10: few, labels_all: all } = self;
        let mut table = Table::new(["test accuracy", "10 labels per class", "all labels"]);
        let mut row = |name: &str, few: Summary, all: Summary| {
            table.row([name, percent(few).as_str(), percent(all).as_str()]);
        };
        row("linear probe, pre-trained encoder", few.pretrained, all.pretrained);
        row("linear probe, random encoder", few.random, all.random);
        if let (Some(few), Some(all)) = (few.scratch, all.scratch) {
            row("trained from scratch", few, all);
        }
        table
    }
}
