#![doc = include_str!("../README.md")]

mod atomic_file;
mod calibration;
mod error;
mod export;
mod index;
mod item;
mod matcher;
mod matching;
mod search;
mod storage;

pub use atomic_file::{replace_file, write_atomically};
pub use calibration::{Calibration, CalibrationConfig, CalibrationMetric, CutPoint, Target};
pub use error::IndexError;
pub use index::Index;
pub use item::Item;
pub use matcher::{Matcher, Vote};
pub use matching::Match;
pub use search::{Hit, Searcher};
