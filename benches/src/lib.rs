//! Parts that the benches and the comparisons with peers share: device, inputs, losses, a training
//! step.

pub mod answer;
pub mod device;
pub mod losses;
pub mod train_step;
pub mod values;
