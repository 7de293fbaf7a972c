//! `selfsame models`: the encoders, or one with its sizes.

use clap::Args;
use selfsame::models::{BACKBONES, BackboneConfig, backbone};
use serde::Serialize;

use super::print;
use crate::named::model;
use crate::terminal::Terminal;

#[derive(Debug, Args)]
pub(crate) struct Models {
    /// Encoder to show with its sizes, as TOML for --config [default: a list of all]
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

impl Models {
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<()> {
        #[derive(Serialize)]
        struct Settings {
            backbone: BackboneConfig,
        }
        if let Some(name) = &self.name {
            let backbone = model(name)?;
            if terminal.json {
                return terminal.json(&backbone);
            }
            return terminal.result(toml::to_string(&Settings { backbone })?.trim_end());
        }
        let rows: Vec<Row> = BACKBONES.iter().map(Row::of).collect::<anyhow::Result<_>>()?;
        if terminal.json {
            return terminal.json(&rows);
        }
        let header = ["model", "family", "features", "about"].map(str::to_owned);
        let cells = |Row { name, family, features, about }| {
            [name.to_owned(), family, features.to_string(), about.to_owned()]
        };
        print(terminal, header, rows.into_iter().map(cells))
    }
}

/// An encoder in the list.
#[derive(Debug, Serialize)]
struct Row {
    name: &'static str,
    family: String,
    /// Values of a row of features.
    features: usize,
    about: &'static str,
}

impl Row {
    fn of((name, about): &(&'static str, &'static str)) -> anyhow::Result<Self> {
        let config = backbone(name)?;
        let family = serde_json::to_value(&config)?["family"].as_str().map(str::to_owned);
        let features = config.d_output();
        Ok(Self { name, family: family.unwrap_or_default(), features, about })
    }
}
