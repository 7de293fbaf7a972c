//! Embeddings as files that other tools open.

mod little_endian;
mod safetensors;

pub(crate) use self::safetensors::safetensors_bytes;
