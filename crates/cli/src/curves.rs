//! The curves of a run, from its `epochs.csv`.

use std::collections::BTreeMap;
use std::path::Path;

use selfsame::train::RunFolder;

/// What was measured in every epoch, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Curves(BTreeMap<String, Vec<(f64, f64)>>);

impl Curves {
    /// Reads the curves of the run in `folder`; none if they could not be written.
    pub(crate) fn load(folder: &Path) -> Self {
        let Ok(mut table) = csv::Reader::from_path(folder.join(RunFolder::EPOCHS)) else {
            return Self::default();
        };
        let names: Vec<String> = match table.headers() {
            Ok(names) => names.iter().map(str::to_owned).collect(),
            Err(_) => return Self::default(),
        };
        let mut curves = Self::default();
        for row in table.records().flatten() {
            let epoch = names.iter().position(|name| name == "epoch");
            let Some(epoch) = epoch.and_then(|at| row.get(at)?.parse().ok()) else { continue };
            for (name, value) in names.iter().zip(&row).filter(|(name, _)| *name != "epoch") {
                if let Ok(value) = value.parse() {
                    curves.0.entry(name.clone()).or_default().push((epoch, value));
                }
            }
        }
        curves
    }

    /// Returns `(epoch, value)` for every epoch in which `name` was measured.
    pub(crate) fn series(&self, name: &str) -> Vec<(f64, f64)> {
        self.0.get(name).cloned().unwrap_or_default()
    }
}
