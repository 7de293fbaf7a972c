#![doc = include_str!("../README.md")]

mod calibration;
mod error;
mod evaluation;
mod export;
#[cfg(feature = "hnsw")]
mod hnsw;
mod index;
mod item;
mod matcher;
mod matching;
mod open_set;
mod query_statistics;
mod search;
mod storage;

pub use calibration::{Calibration, CalibrationConfig, CalibrationMetric, CutPoint, Target};
pub use error::IndexError;
pub use evaluation::Evaluation;
pub use export::{EmbeddingTable, write_projector};
#[cfg(feature = "hnsw")]
pub use hnsw::{ApproximateSearcher, HnswConfig};
pub use index::Index;
pub use item::Item;
pub use matcher::{Matcher, Vote};
pub use matching::Match;
pub use open_set::OpenSet;
pub use query_statistics::{Distribution, QueryStatistics, QueryTimes};
pub use search::{Hit, Searcher};
