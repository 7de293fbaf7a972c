//! Signals: what Ctrl-C, a hang-up and a request to save do while the program works.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use anyhow::Context;
use selfsame::callbacks::{SaveSignal, StopSignal};

use crate::terminal::complain;

/// The exit code of a program that was interrupted.
pub(crate) const INTERRUPTED: u8 = 130;

/// What the signals that the program receives have asked for.
///
/// While an encoder is trained, the first Ctrl-C, SIGTERM or SIGHUP ends the run after its step, and
/// saves it; SIGUSR1 saves it, and it goes on. At any other time, and the second time, the program
/// ends at once. A hang-up that `nohup` has turned off stays turned off.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signals {
    pub stop: StopSignal,
    pub save: SaveSignal,
    is_training: Arc<AtomicBool>,
    farewell: Arc<Mutex<String>>,
}

impl Signals {
    /// Returns the signals of the program, and listens to them from the first call on.
    pub(crate) fn listen() -> anyhow::Result<Self> {
        static SIGNALS: OnceLock<Signals> = OnceLock::new();
        if let Some(signals) = SIGNALS.get() {
            return Ok(signals.clone());
        }
        let signals = Self::default();
        listen(&signals).context("cannot listen for signals")?;
        Ok(SIGNALS.get_or_init(|| signals).clone())
    }

    /// Does what can be stopped and saved.
    pub(crate) fn while_training<T>(&self, train: impl FnOnce() -> T) -> T {
        self.is_training.store(true, Ordering::SeqCst);
        let done = train();
        self.is_training.store(false, Ordering::SeqCst);
        done
    }

    /// Sets what is said if the program is interrupted from now on, such as what is saved already.
    pub(crate) fn set_farewell(&self, text: String) {
        *self.farewell.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }

    fn interrupt(&self) {
        if self.is_training.load(Ordering::SeqCst) && !self.stop.is_raised() {
            self.stop.raise();
            complain("\nstopping after this step; press Ctrl-C again to stop at once");
            return;
        }
        let farewell = self.farewell.lock().unwrap_or_else(PoisonError::into_inner);
        complain(if farewell.is_empty() { "\nstopped" } else { farewell.as_str() });
        std::process::exit(INTERRUPTED.into());
    }
}

#[cfg(unix)]
fn listen(signals: &Signals) -> anyhow::Result<()> {
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1};
    use signal_hook::iterator::Signals as Received;

    let mut wanted = vec![SIGINT, SIGTERM, SIGUSR1];
    if !is_hang_up_ignored() {
        wanted.push(SIGHUP);
    }
    let mut received = Received::new(wanted)?;
    let signals = signals.clone();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in received.forever() {
            match signal {
                SIGUSR1 if signals.is_training.load(Ordering::SeqCst) => signals.save.raise(),
                SIGUSR1 => {}
                _ => signals.interrupt(),
            }
        }
    })?;
    Ok(())
}

/// Returns whether the program was started with hang-ups turned off, as `nohup` does. Where the
/// system does not tell, they are taken for turned off: a run then ends by them or goes on, as the
/// system has it.
#[cfg(unix)]
fn is_hang_up_ignored() -> bool {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return true };
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| mask & 1 == 1) // SIGHUP is signal 1
}

#[cfg(not(unix))]
fn listen(signals: &Signals) -> anyhow::Result<()> {
    let signals = signals.clone();
    Ok(ctrlc::set_handler(move || signals.interrupt())?)
}
