#![doc = include_str!("../README.md")]

mod replace;
mod shell_word;

pub use replace::{replace_file, write_atomically};
pub use shell_word::shell_word;
