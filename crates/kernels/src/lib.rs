#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(feature = "flex"),
    allow(unused_variables, reason = "without Flex the arguments of its kernels have no user")
)]

/// The call where the Flex backend is compiled in, `None` where it is not.
#[cfg(feature = "flex")]
macro_rules! on_flex {
    ($call:expr) => {
        $call
    };
}
#[cfg(not(feature = "flex"))]
macro_rules! on_flex {
    ($call:expr) => {
        None
    };
}

mod batch_norm;
mod conv2d;
#[cfg(feature = "flex")]
mod flex;
mod gelu;
mod gemm;
pub mod loss;
mod max_pool2d;
mod momentum;
mod moving_average;
#[cfg(feature = "flex")]
mod scratch;
#[cfg(feature = "flex")]
mod simd;

pub use batch_norm::{BatchNormTrain, Epilogue, batch_norm, batch_norm_train};
pub use conv2d::conv2d;
pub use gelu::gelu;
pub use gemm::{Factor, gemm, gram};
pub use max_pool2d::max_pool2d;
pub use momentum::{MomentumStep, momentum_step};
pub use moving_average::moving_average;
