//! What a log could not write.

use std::path::PathBuf;

use selfsame_models::Method;

use crate::RunView;
use crate::log_error::LogError;

/// The records that a log could not write: a warning of the first, and their number at the end.
///
/// A log only tells of a run, so no failure of it costs the run anything.
#[derive(Clone, Debug, Default)]
pub(crate) struct Lost {
    records: u64,
    path: PathBuf,
}

impl Lost {
    /// Warns if this is the first record that is lost, and counts it.
    pub(crate) fn note<M: Method>(
        &mut self,
        run: &mut RunView<'_, M>,
        written: Result<(), LogError>,
    ) {
        let Err(error) = written else { return };
        if self.records == 0 {
            run.warn(format!("{error}: {}; the run continues without it", error.source));
        }
        self.records += 1;
        self.path = error.path;
    }

    /// Says how many records are lost, if the first was not the only one; `what` they are.
    pub(crate) fn tell<M: Method>(&mut self, run: &mut RunView<'_, M>, what: &str) {
        if self.records > 1 {
            run.warn(format!("{} lacks {} {what}", self.path.display(), self.records));
        }
        self.records = 0;
    }
}
