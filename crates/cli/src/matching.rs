//! `selfsame match`: names the class of images, or says that they have none of the index's.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use selfsame::index::{CutPoint, Match};
use selfsame::report::Table;
use serde::Serialize;

use crate::index::{IndexFolder, open_queries};
use crate::terminal::Terminal;

/// Options of `selfsame match`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Folder of the index, which must be calibrated
    #[arg(value_name = "INDEX")]
    index: PathBuf,
    /// Images to match: files and folders
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<PathBuf>,
    /// Cut-point of the calibration, beyond whose distance there is no match
    #[arg(long, value_name = "NAME", default_value = "optimal")]
    cut_point: String,
    /// Device to compute on; `selfsame devices` lists all
    #[arg(long, value_name = "DEVICE", default_value = "auto")]
    device: String,
}

/// The result, as JSON.
#[derive(Debug, Serialize)]
struct Answers<'a> {
    cut_point: &'a str,
    /// The largest distance of a match.
    distance: f64,
    images: Vec<Answer>,
}

/// What an image is matched with.
#[derive(Debug, Serialize)]
struct Answer {
    image: String,
    /// `None` if there is no match.
    class: Option<String>,
    distance: f32,
    /// The nearest class, however far.
    candidate: String,
    /// The nearest image of that class.
    nearest: String,
}

impl Options {
    /// Matches the images, and prints their classes.
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<()> {
        let folder = IndexFolder::load(&self.index)?;
        ensure!(
            folder.index.items().iter().any(|item| item.label.is_some()),
            "the index {} has no labels, so there are no classes to match; build one of labeled \
             images",
            self.index.display()
        );
        let calibration = folder.index.calibration().with_context(|| {
            format!(
                "the index {} is not calibrated, so that no distance is too far; run\n  \
                 selfsame calibrate {}",
                self.index.display(),
                folder.word()
            )
        })?;
        let cut_point = calibration.cut_point(&self.cut_point)?;
        let encoder = folder.encoder(&self.device)?;
        let queries = open_queries(&self.images, &encoder, terminal)?;
        let features = encoder.features(&queries.images)?;
        let matches = folder.index.match_all(&features, &self.cut_point)?;
        let answer = |(image, found): (String, &Match)| Answer {
            image,
            class: found.label.map(|label| folder.class_name(label)),
            distance: found.distance,
            candidate: folder.class_name(found.candidate),
            nearest: folder.name(found.position).to_owned(),
        };
        let answers: Vec<Answer> = queries.names().into_iter().zip(&matches).map(answer).collect();
        if terminal.json {
            let CutPoint { name, distance, .. } = cut_point;
            return terminal.json(&Answers {
                cut_point: name,
                distance: *distance,
                images: answers,
            });
        }
        terminal.result(table(&answers).to_string().trim_end())
    }
}

fn table(answers: &[Answer]) -> Table {
    let mut table = Table::new(["image", "class", "distance"]);
    for Answer { image, class, distance, .. } in answers {
        let class = class.as_deref().unwrap_or("no match");
        table.row([image, class, &format!("{distance:.4}")]);
    }
    table
}
