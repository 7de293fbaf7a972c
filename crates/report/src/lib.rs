#![doc = include_str!("../README.md")]

mod error;
mod escape;
mod line_chart;
mod neighbor_sheet;
mod neighbors;
mod page;
mod png;
mod table;

pub use error::ReportError;
pub use line_chart::{LineChart, Series};
pub use neighbor_sheet::NeighborSheet;
pub use neighbors::{nearest_other_rows, nearest_rows, spread_over_classes};
pub use page::Page;
pub use png::Png;
pub use table::{Table, percent};
