//! `selfsame devices`: the devices of this machine.

use clap::Args;
use selfsame::device::{Inventory, NamedDevice};
use serde_json::json;

use super::print;
use crate::terminal::Terminal;

/// Backends that a program can be built with, by the name of their feature.
const FEATURES: [&str; 6] = ["cuda", "metal", "vulkan", "wgpu", "flex", "tch"];

#[derive(Debug, Args)]
pub(crate) struct Devices {}

impl Devices {
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<()> {
        let Self {} = self;
        let Inventory { backends, devices } = Inventory::take();
        let chosen = selfsame::device("auto").ok();
        let is_chosen = |name: &str, about: &str| {
            let of = |chosen: &NamedDevice| name.starts_with(chosen.name) && chosen.about == about;
            chosen.as_ref().is_some_and(of)
        };
        let auto = devices.iter().position(|(name, about)| is_chosen(name, about));
        let missing: Vec<&str> = FEATURES.into_iter().filter(|it| !backends.contains(it)).collect();
        if terminal.json {
            let row = |(name, about)| json!({ "name": name, "about": about });
            return terminal.json(&json!({
                "auto": auto.map(|index| devices[index].0.clone()),
                "devices": devices.into_iter().map(row).collect::<Vec<_>>(),
                "backends": backends,
                "not_built": missing,
            }));
        }
        let rows = devices.into_iter().enumerate().map(|(index, (name, about))| {
            let mut others = Vec::new();
            others.extend((auto == Some(index)).then_some("auto"));
            others.extend((name == "flex").then_some("cpu"));
            [name, others.join(", "), about]
        });
        print(terminal, ["device", "also called", "about"].map(str::to_owned), rows)?;
        if !missing.is_empty() {
            terminal.note(format_args!(
                "not in this build: {}; build with --features NAME for one of them",
                missing.join(", ")
            ));
        }
        Ok(())
    }
}
