//! Runs saved to disk and resumed.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use burn::optim::ModuleOptimizer;
use burn::store::ModuleRecord;
use burn::tensor::Bytes;
use selfsame_callbacks::History;
use selfsame_models::{Clock, Method};
use serde::{Deserialize, Serialize};

use crate::TrainError;

/// The state of a run besides its networks and its optimizer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RunState {
    pub(crate) clock: Clock,
    pub(crate) history: History,
    /// Sums over the steps of the unfinished epoch.
    pub(crate) loss_sum: f64,
    pub(crate) std_sum: f64,
    /// Training time so far.
    pub(crate) seconds: f64,
}

/// The folder that holds a run's newest checkpoint.
///
/// Each checkpoint is a folder `step-N` with the networks, the optimizer's state and the run's
/// state. It is written beside the old one and moved into place as a whole, so there is a usable
/// checkpoint at any time, even if the machine stops.
///
/// # Example
/// ```
/// use selfsame_train::Checkpoints;
///
/// let folder = tempfile::tempdir()?;
/// let checkpoints = Checkpoints::new(folder.path().join("checkpoint"));
/// assert_eq!(checkpoints.newest(), None, "no run has been saved yet");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Checkpoints {
    folder: PathBuf,
}

const NETWORKS: &str = "networks.bpk";
const OPTIMIZER: &str = "optimizer.bpk";
const STATE: &str = "state.json";

impl Checkpoints {
    /// Keeps the newest checkpoint in `folder`, which is created when it is first needed.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// Returns the folder of the newest complete checkpoint, if there is one.
    #[must_use]
    pub fn newest(&self) -> Option<PathBuf> {
        Some(self.all().pop()?.1)
    }

    fn all(&self) -> Vec<(u64, PathBuf)> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let step = |path: &Path| path.file_name()?.to_str()?.strip_prefix("step-")?.parse().ok();
        let mut all: Vec<(u64, PathBuf)> =
            entries.filter_map(|entry| Some((step(&entry.path())?, entry.path()))).collect();
        all.sort();
        all
    }

    pub(crate) fn save<M: Method>(
        &self,
        state: &RunState,
        method: &M,
        optimizer: &ModuleOptimizer,
    ) -> Result<(), TrainError> {
        let target = self.folder.join(format!("step-{}", state.clock.step));
        if target.exists() {
            return Ok(()); // the same step of the same run: the same bytes
        }
        let draft = self.folder.join(".draft");
        if draft.exists() {
            fs::remove_dir_all(&draft).map_err(TrainError::file("write", &draft))?;
        }
        fs::create_dir_all(&draft).map_err(TrainError::file("write", &draft))?;
        let unusable = |error: &dyn std::fmt::Display| TrainError::Checkpoint {
            path: target.clone(),
            reason: error.to_string(),
        };
        let networks = method.clone().into_record().into_bytes().map_err(|e| unusable(&e))?;
        write_to_disk(&draft.join(NETWORKS), &networks)?;
        let optimizer = optimizer.into_bytes().map_err(|e| unusable(&e))?;
        write_to_disk(&draft.join(OPTIMIZER), &optimizer)?;
        let state = serde_json::to_vec_pretty(state).map_err(|e| unusable(&e))?;
        write_to_disk(&draft.join(STATE), &state)?;
        let old = self.all();
        fs::rename(&draft, &target).map_err(TrainError::file("write", &target))?;
        for (_, path) in old {
            fs::remove_dir_all(&path).map_err(TrainError::file("remove", &path))?;
        }
        Ok(())
    }

    pub(crate) fn load<M: Method>(
        &self,
        method: M,
        optimizer: ModuleOptimizer,
    ) -> Result<Option<(RunState, M, ModuleOptimizer)>, TrainError> {
        let Some(path) = self.newest() else { return Ok(None) };
        let read = |name: &str| {
            let path = path.join(name);
            fs::read(&path).map_err(TrainError::file("read", &path))
        };
        let unusable = |error: &dyn std::fmt::Display| TrainError::Checkpoint {
            path: path.clone(),
            reason: format!("{error}; it was written by another version, or with other sizes"),
        };
        let state = serde_json::from_slice(&read(STATE)?).map_err(|e| unusable(&e))?;
        let networks = ModuleRecord::from_bytes(Bytes::from_bytes_vec(read(NETWORKS)?));
        let networks = networks.map_err(|e| unusable(&e))?;
        let method = method.try_load_record(networks).map_err(|e| unusable(&e))?;
        let optimizer = optimizer.from_bytes(Bytes::from_bytes_vec(read(OPTIMIZER)?));
        Ok(Some((state, method, optimizer.map_err(|e| unusable(&e))?)))
    }
}

/// Writes a new file of the draft and waits until it has reached the disk.
fn write_to_disk(path: &Path, bytes: &[u8]) -> Result<(), TrainError> {
    let write = || {
        let mut file = File::create(path)?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    write().map_err(TrainError::file("write", path))
}
