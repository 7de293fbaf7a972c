#![doc = include_str!("../README.md")]

mod axes;
mod bar_chart;
mod colors;
mod confusion_chart;
mod error;
mod escape;
mod few_labels;
mod gallery;
mod health_card;
mod line_chart;
mod map;
mod neighbor_sheet;
mod neighbors;
mod page;
mod png;
mod scatter;
mod spectrum_chart;
mod table;

pub use bar_chart::BarChart;
pub use confusion_chart::ConfusionChart;
pub use error::ReportError;
pub use few_labels::{Estimate, FewLabels};
pub use gallery::{Gallery, GalleryItem};
pub use health_card::{HealthCard, HealthLevel};
pub use line_chart::{LineChart, Series};
pub use map::{Map, MapConfig, MapMethod, continuity, trustworthiness};
pub use neighbor_sheet::NeighborSheet;
pub use neighbors::{nearest_other_rows, nearest_rows, spread_over_classes};
pub use page::Page;
pub use png::Png;
pub use scatter::Scatter;
pub use spectrum_chart::SpectrumChart;
pub use table::{Table, percent};
