//! `selfsame models`: the encoders, or one with its sizes.

use clap::Args;
use selfsame::models::{BACKBONES, BackboneConfig, backbone};
use serde::Serialize;
use serde_json::json;

use super::{print, unknown};
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
        let rows = BACKBONES.iter().map(|(name, about)| {
            let config = backbone(name)?;
            let family = serde_json::to_value(&config)?["family"].as_str().map(str::to_owned);
            Ok((*name, family.unwrap_or_default(), config.d_output(), *about))
        });
        let rows: Vec<_> = rows.collect::<anyhow::Result<_>>()?;
        if terminal.json {
            let row = |(name, family, features, about)| json!({ "name": name, "family": family, "features": features, "about": about });
            return terminal.json(&rows.into_iter().map(row).collect::<Vec<_>>());
        }
        let header = ["model", "family", "features", "about"].map(str::to_owned);
        let row = |(name, family, features, about): (&str, String, usize, &str)| {
            [name.to_owned(), family, features.to_string(), about.to_owned()]
        };
        print(terminal, header, rows.into_iter().map(row))
    }
}

/// Returns the encoder of this name, as published.
fn model(name: &str) -> anyhow::Result<BackboneConfig> {
    let names = BACKBONES.iter().map(|(name, _)| *name);
    backbone(name).map_err(|error| unknown("encoder", "models", name, names, error))
}
