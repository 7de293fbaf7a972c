//! Settings of runs of minutes, for which none are given.

use selfsame::augment::{Normalize, Recipe};
use selfsame::models::{BackboneConfig, MethodConfig, MethodName, backbone};
use selfsame::optim::OptimizerConfig;
use selfsame::train::Preset;

/// Channels of the first stage of a default encoder.
pub(crate) const WIDTH: usize = 16;

/// What is known of the images once they have been read.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// Number of training images.
    pub images: usize,
    /// Means and deviations of their channels, where no published ones fit.
    pub normalize: Option<Normalize>,
}

/// Returns our recipe for a run of minutes on a CPU: of drawn shapes, or of photographs.
pub(crate) fn ours(method: MethodName, is_drawn: bool) -> Preset {
    let drawn = Preset::shapes(method);
    // One epoch of warm-up whatever their number, so that a finished run can be made longer.
    let drawn = Preset { warmup_epochs: 1, epochs: 18, ..drawn };
    if is_drawn {
        return drawn;
    }
    let batch_size = 256;
    let mut preset = Preset { epochs: 12, ..drawn.clone() };
    // Twice the blocks.
    if let (BackboneConfig::ResNet(_), Ok(deeper)) = (&drawn.backbone, backbone("resnet18")) {
        preset.backbone = deeper.with_width(WIDTH / 2);
    }
    // Crops of photographs for two views cover a fifth of the image or more, from which short runs
    // learn faster than from smaller ones; DINO has larger ones.
    let has_two_alike = drawn.recipe == Recipe::shapes(16);
    preset.recipe = match method {
        MethodName::Dino => Recipe::dino_cifar(),
        _ if has_two_alike => Recipe::simsiam_cifar(),
        _ => Preset::cifar10(method).recipe,
    };
    preset.rate = match drawn.optimizer {
        // Adam's rate does not grow with the loss, so that of longer runs fits.
        OptimizerConfig::Adam { .. } | OptimizerConfig::AdamW { .. } => {
            Preset::cifar10(method).rate_for(batch_size)
        }
        // On photographs it collapses at that of drawn shapes.
        _ if method == MethodName::Ressl => Preset::cifar10(method).rate_for(batch_size),
        // The temperature is higher, and so the rate lower.
        _ if method == MethodName::SimClr => 0.5 * drawn.rate_for(batch_size),
        _ => drawn.rate_for(batch_size),
    };
    preset.batch_size = batch_size;
    if let MethodConfig::SimClr(config) = &mut preset.method {
        config.temperature = 0.5;
    }
    preset
}

/// Returns the batch of a run for which none is given: smaller for few images, so that an epoch has
/// some steps.
pub(crate) fn default_batch(usual: usize, quick: bool, known: Option<Known>) -> usize {
    let usual = if quick { usual.min(64) } else { usual };
    let Some(Known { images, .. }) = known else { return usual };
    let fitting = (images / 4).max(2).next_power_of_two() / 2;
    fitting.clamp(2, usual)
}

/// Sets the rows of a queue: as many as in the authors' CIFAR-10 demo of `MoCo`, but at most half of
/// the images, in whole batches. With a queue as long as an epoch, an image would often meet its own
/// key of the epoch before, as a negative.
pub(crate) fn fit_queue(method: &mut MethodConfig, batch_size: usize, known: Option<Known>) {
    let images = known.map_or(usize::MAX, |known| known.images);
    let batches = (images / 2).min(4_096) / batch_size.max(1);
    let rows = batches.max(1) * batch_size;
    match method {
        MethodConfig::MocoV2(config) => config.queue = rows,
        MethodConfig::Nnclr(config) => config.queue = rows,
        MethodConfig::Ressl(config) => config.queue = rows,
        _ => {}
    }
}
