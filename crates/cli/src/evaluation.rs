//! What `selfsame evaluate` has measured, and the file of the run that keeps it.

use std::path::Path;

use anyhow::Context;
use selfsame::files::write_atomically;
use selfsame::metrics::{Classification, Summary};
use selfsame::report::{Estimate, FewLabels, Table, percent};
use selfsame::train::RunFolder;
use serde::{Deserialize, Serialize};

/// What was measured of an encoder on one data set.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Evaluation {
    /// The name of the images.
    pub data: String,
    /// A checksum of the encoder's weights.
    pub encoder: u64,
    /// Whether they are others than those it was trained on.
    pub is_transfer: bool,
    pub seed: u64,
    pub train: usize,
    pub test: usize,
    pub classes: Vec<String>,
    /// The protocol of the linear probe.
    pub protocol: String,
    /// Accuracy of 20 nearest neighbors.
    pub knn: f64,
    /// The linear probe of all labels.
    pub probe: Classification,
    pub few: Vec<Few>,
}

/// Accuracy with a number of labels, by what reads it off the features, 0 to 1.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Few {
    /// The labels, as they were asked for: `10`, `1%` or `all`.
    pub labels: String,
    /// The number of labels in all.
    pub count: usize,
    pub read_outs: Vec<ReadOutAccuracy>,
}

/// Accuracy over several label samples, with half the width of its 95 % confidence interval.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ReadOutAccuracy {
    pub name: String,
    pub summary: Summary,
    pub samples: usize,
    pub confidence_95: Option<f64>,
}

impl ReadOutAccuracy {
    pub(crate) fn of(name: &str, accuracies: &[f64]) -> Self {
        Self::of_summary(name, Summary::of(accuracies), accuracies.len())
    }

    pub(crate) fn of_summary(name: &str, summary: Summary, samples: usize) -> Self {
        let confidence_95 = summary.confidence_95(samples);
        Self { name: name.to_owned(), summary, samples, confidence_95 }
    }
}

impl Evaluation {
    /// Returns accuracies of nearest neighbors and of the probe of all labels.
    pub(crate) fn table(&self) -> Table {
        let of = |share: f64| percent(Summary::of(&[share]));
        let mut table = Table::new(["measure", "test images"]);
        table.row(["20 nearest neighbors", of(self.knn).as_str()]);
        let probe = format!("linear probe of {}", self.protocol);
        let figures = [
            ("", self.probe.top1),
            (", in five guesses", self.probe.top5),
            (", mean of the classes", self.probe.balanced),
            (", calibration error", self.probe.calibration_error),
        ];
        for (name, share) in figures {
            table.row([format!("{probe}{name}").as_str(), of(share).as_str()]);
        }
        table
    }

    /// Returns the accuracies with few labels.
    pub(crate) fn few_labels(&self) -> anyhow::Result<FewLabels> {
        let mut few: Vec<&Few> = self.few.iter().collect();
        few.sort_by_key(|few| few.count);
        let mut names: Vec<&str> = Vec::new();
        for read_out in few.iter().flat_map(|few| &few.read_outs) {
            if !names.contains(&read_out.name.as_str()) {
                names.push(&read_out.name);
            }
        }
        let mut table = FewLabels::new(names.iter().copied());
        for few in few {
            let estimate = |name: &&str| {
                let found = few.read_outs.iter().find(|read_out| read_out.name == **name)?;
                let (mean, half) = (found.summary.mean, found.confidence_95.unwrap_or(0.0));
                Some(Estimate { mean, low: (mean - half).max(0.0), high: (mean + half).min(1.0) })
            };
            let name = match few.labels.parse::<usize>() {
                Ok(_) => format!("{} per class", few.labels),
                Err(_) => few.labels.clone(),
            };
            table.row(&name, few.count, names.iter().map(estimate).collect::<Vec<_>>())?;
        }
        Ok(table)
    }

    /// Reads the evaluations of the run in `folder`; none if there are none.
    pub(crate) fn load_all(folder: &Path) -> anyhow::Result<Vec<Self>> {
        let path = folder.join(RunFolder::EVALUATIONS);
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).with_context(|| {
                format!("{} holds no evaluations of this program", path.display())
            }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Adds this one to those of the run in `folder`. One of the same images is replaced, except for
    /// what it has measured and this one has not.
    pub(crate) fn save(mut self, folder: &Path) -> anyhow::Result<Self> {
        let mut all = Self::load_all(folder)?;
        let key = |of: &Self| (of.data.clone(), of.encoder, of.train, of.test, of.seed);
        let own = key(&self);
        let is_same = |other: &Self| key(other) == own;
        if let Some(before) = all.iter().find(|other| is_same(other)) {
            self.keep(&before.few);
        }
        all.retain(|other| other.encoder == self.encoder && !is_same(other));
        all.push(self.clone());
        let path = folder.join(RunFolder::EVALUATIONS);
        write_atomically(&path, serde_json::to_string_pretty(&all)?.as_bytes())
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(self)
    }

    /// Keeps accuracies with few labels that were measured before.
    fn keep(&mut self, before: &[Few]) {
        for old in before {
            let Some(new) = self.few.iter_mut().find(|new| new.labels == old.labels) else {
                self.few.push(old.clone());
                continue;
            };
            for read_out in &old.read_outs {
                if new.read_outs.iter().all(|known| known.name != read_out.name) {
                    new.read_outs.push(read_out.clone());
                }
            }
        }
    }
}
