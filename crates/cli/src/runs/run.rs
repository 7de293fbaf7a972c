//! One run, from the plain files of its folder.

use std::path::Path;

use anyhow::Context;
use selfsame::models::BackboneConfig;
use selfsame::train::RunFolder;
use serde::Serialize;
use serde_json::Value;

use crate::settings::Settings;
use crate::terminal::Terminal;

/// One run, as the table has it; `None` for what its files do not say.
#[derive(Debug, Default, Serialize)]
pub(super) struct Run {
    pub(super) run: String,
    path: String,
    method: Option<String>,
    model: Option<String>,
    data: Option<String>,
    epochs: Option<u64>,
    /// The last epoch that was finished.
    epoch: Option<u64>,
    is_finished: bool,
    /// Accuracy of 20 nearest neighbors, 0 to 1.
    knn: Option<f64>,
    /// Accuracy of a linear probe of all labels, 0 to 1.
    probe: Option<f64>,
    /// Standard deviation of the embedding, as a share of that of an even spread.
    std_share: Option<f64>,
    seconds: Option<f64>,
    /// The figures that no other run has better.
    pub(super) best: Vec<&'static str>,
}

impl Run {
    /// Reads what the files of a run say. A damaged one is named, and the rest still counts.
    pub(super) fn read(folder: &Path, path: &Path, terminal: Terminal) -> Self {
        let name = path.strip_prefix(folder).ok().filter(|name| !name.as_os_str().is_empty());
        let name = name.or_else(|| path.file_name().map(Path::new)).unwrap_or(path);
        let mut run = Self {
            run: name.display().to_string(),
            path: path.display().to_string(),
            is_finished: path.join(RunFolder::RESULT).exists(),
            ..Self::default()
        };
        if let Err(error) = run.read_result(path) {
            terminal.note(format_args!("{error:#}"));
        }
        match Settings::load(path) {
            Ok(settings) => run.describe(&settings),
            Err(error) => terminal.note(format_args!("{error:#}")),
        }
        run.epoch = last_epoch(path);
        run
    }

    fn read_result(&mut self, path: &Path) -> anyhow::Result<()> {
        if !self.is_finished {
            return Ok(());
        }
        let path = path.join(RunFolder::RESULT);
        let shown = path.display();
        let text = std::fs::read(&path).with_context(|| format!("cannot read {shown}"))?;
        let result: Value =
            serde_json::from_slice(&text).with_context(|| format!("{shown} is damaged"))?;
        let number = |pointer| result.pointer(pointer).and_then(Value::as_f64);
        let text = |name| result.get(name).and_then(Value::as_str).map(str::to_owned);
        (self.method, self.data) = (text("method"), text("data"));
        self.epochs = result.get("epochs").and_then(Value::as_u64);
        self.knn = number("/knn/after");
        self.probe = number("/accuracy/labels_all/pretrained/mean");
        self.seconds = number("/seconds/pretrain");
        let spread = number("/health/std").zip(number("/health/uniform_std"));
        self.std_share = spread.filter(|(_, even)| *even > 0.0).map(|(std, even)| std / even);
        Ok(())
    }

    fn describe(&mut self, settings: &Settings) {
        self.method = Some(settings.method.name().key().to_owned());
        self.model = Some(model_name(&settings.backbone));
        self.data = Some(settings.data.name());
        // A time limit may have made them fewer, as the result of a finished run tells.
        self.epochs.get_or_insert(settings.epochs);
    }

    pub(super) fn figure(&self, name: &str) -> Option<f64> {
        match name {
            "knn" => self.knn,
            "probe" => self.probe,
            "std_share" => self.std_share,
            _ => self.seconds,
        }
    }

    fn state(&self) -> String {
        let epochs = self.epochs.map_or_else(String::new, |epochs| format!(" of {epochs}"));
        match (self.is_finished, self.epoch) {
            (true, _) => "finished".to_owned(),
            (false, epoch) => format!("unfinished at epoch {}{epochs}", epoch.unwrap_or(0)),
        }
    }

    pub(super) fn cells(&self) -> [String; 10] {
        let text = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        let share = |share: Option<f64>| match share {
            Some(share) => format!("{:.1} %", 100.0 * share),
            None => "-".to_owned(),
        };
        [
            self.run.clone(),
            text(&self.method),
            text(&self.model),
            text(&self.data),
            text(&self.epochs.map(|epochs| epochs.to_string())),
            self.state(),
            share(self.knn),
            share(self.probe),
            share(self.std_share),
            self.seconds.map_or_else(|| "-".to_owned(), |seconds| format!("{seconds:.1}")),
        ]
    }
}

/// Returns the name of an encoder, with its width if that is not the published one.
fn model_name(config: &BackboneConfig) -> String {
    match (config.name(), config) {
        (Some(name), _) => name.to_owned(),
        (None, BackboneConfig::ResNet(resnet)) => {
            let name = config.clone().with_width(64).name().unwrap_or("resnet");
            format!("{name}, width {}", resnet.width)
        }
        (None, BackboneConfig::Vit(vit)) => format!("vit, width {}", vit.dim),
        (None, BackboneConfig::ConvNext(convnext)) => {
            format!("convnext, width {}", convnext.dims[0])
        }
        (None, BackboneConfig::Airbench(airbench)) => {
            format!("airbench, width {}", airbench.widths[0])
        }
    }
}

/// Returns the number of the last epoch in the table of epochs.
fn last_epoch(path: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(path.join(RunFolder::EPOCHS)).ok()?;
    text.lines().last()?.split(',').next()?.parse().ok()
}
