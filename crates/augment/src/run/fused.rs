//! Fused execution: resizing, flips and pointwise changes take one pass over the pixels of a view.

use std::ops::Range;

use image::{DynamicImage, ImageBuffer};

use super::blur::Blurring;
use super::pointwise::{Linear, Pointwise, apply_pointwise, channel_sums, mean_color};
use super::reference::{self, Buffers};
use super::resize::{Resizing, Source};
use crate::plan::resizing_steps;
use crate::planes::Planes;
use crate::{Normalize, PixelOp, PlanStep, PlanarImage, SpatialOp};

/// The executor of views and its buffers, reused from view to view; one per thread.
///
/// A new one is [`Scratch::default()`]. It carries no state from one view to the next: buffers only
/// save allocations.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    pub(crate) steps: Vec<PlanStep>,
    pub(crate) buffers: Buffers,
    planar: PlanarImage,
    passes: Vec<Pass>,
    changes: Vec<Pointwise>,
}

/// One pass over all pixels of a view.
#[derive(Clone, Debug)]
struct Pass {
    start: Start,
    /// The pointwise changes that follow.
    changes: Range<usize>,
}

/// The beginning of a pass.
#[derive(Clone, Copy, Debug)]
enum Start {
    /// Its pointwise changes.
    Changes,
    /// A pointwise change about the mean color, which is known when the pass begins.
    Mean(PixelOp),
    /// A change of values that is not pointwise.
    Image(PixelOp),
    /// Moving or mixing pixels.
    Spatial(SpatialOp),
}

impl Scratch {
    /// Applies steps drawn for an image of size `planned`.
    #[track_caller]
    pub(crate) fn write(
        &mut self,
        image: &DynamicImage,
        planned: [usize; 2],
        steps: &[PlanStep],
        normalize: &Normalize,
        out: &mut [f32],
    ) {
        let size = [image.height() as usize, image.width() as usize];
        let [height, width] = steps.iter().fold(planned, |size, step| step.size(size));
        let planes = Planes::new(height, width, out);
        if let Some((resize, used)) = first_resize(steps, planned) {
            let fits = size[0] <= planned[0] && size[1] <= planned[1];
            assert!(fits, "an image of {size:?} for a plan of {planned:?}");
            let resize = if size == planned { resize } else { resize.reduced(size) };
            self.write_resized(image, resize, &steps[used..], normalize, planes);
        } else {
            assert_eq!(size, planned, "only a plan that begins with a crop fits a smaller image");
            self.write_loaded(image, steps, normalize, planes);
        }
    }

    /// Resizes the image into the view as the first pass.
    fn write_resized(
        &mut self,
        image: &DynamicImage,
        resize: Resizing,
        steps: &[PlanStep],
        normalize: &Normalize,
        mut planes: Planes<'_>,
    ) {
        // Flips commute with changes of color and blur, so they can come first.
        let commute = PlanStep::commutes_with_flips;
        let early = steps.iter().position(|step| !commute(step)).unwrap_or(steps.len());
        let flip = PlanStep::Spatial(SpatialOp::HorizontalFlip);
        let flips = steps[..early].iter().filter(|step| **step == flip).count();
        let resize = resize.flipped(flips % 2 == 1);
        self.schedule(steps, early, normalize);
        let Self { buffers: Buffers { resizer, .. }, passes, changes, .. } = self;
        let changes = &changes[passes[0].changes.clone()];
        let measure = is_measured(passes, 1);
        let mut sum = [0.0; 3];
        let then = |mut rows: Planes<'_>| {
            apply_pointwise(changes, rows.rows(0, rows.height));
            if measure {
                add(&mut sum, channel_sums(rows));
            }
        };
        let (all, width) = (planes.rows(0, planes.height), image.width() as usize);
        match image {
            DynamicImage::ImageRgb8(image) => resizer.run(&bytes(image, 3), &resize, all, then),
            DynamicImage::ImageRgba8(image) => resizer.run(&bytes(image, 4), &resize, all, then),
            DynamicImage::ImageLuma8(image) => resizer.run(&bytes(image, 1), &resize, all, then),
            DynamicImage::ImageLumaA8(image) => resizer.run(&bytes(image, 2), &resize, all, then),
            DynamicImage::ImageRgb32F(image) => {
                resizer.run(&Source::Floats(image, width), &resize, all, then);
            }
            other => {
                let image = other.to_rgb32f();
                resizer.run(&Source::Floats(&image, width), &resize, all, then);
            }
        }
        self.run_passes(1, sum, planes);
    }

    /// Loads the whole image, and applies the steps up to the last that sets a size one by one.
    fn write_loaded(
        &mut self,
        image: &DynamicImage,
        steps: &[PlanStep],
        normalize: &Normalize,
        mut planes: Planes<'_>,
    ) {
        let last = steps.iter().rposition(PlanStep::resizes).map_or(0, |last| last + 1);
        let mut planar = std::mem::take(&mut self.planar);
        planar.load(image);
        for step in &steps[..last] {
            reference::apply_step(step, &mut planar, &mut self.buffers);
        }
        for (to, from) in planes.channels().into_iter().zip(planar.planes_mut()) {
            to.copy_from_slice(from);
        }
        self.planar = planar;
        self.schedule(&steps[last..], 0, normalize);
        self.run_passes(0, [0.0; 3], planes);
    }

    /// Sorts the steps after the resizing into passes. Flips before the step `early` are done
    /// already.
    fn schedule(&mut self, steps: &[PlanStep], early: usize, normalize: &Normalize) {
        let Self { passes, changes, .. } = self;
        passes.clear();
        changes.clear();
        passes.push(Pass { start: Start::Changes, changes: 0..0 });
        let begin = |passes: &mut Vec<Pass>, start, changes: &[Pointwise]| {
            close(passes, changes.len());
            passes.push(Pass { start, changes: 0..0 });
        };
        for (place, step) in steps.iter().enumerate() {
            match step {
                PlanStep::Skip => {}
                PlanStep::Spatial(SpatialOp::HorizontalFlip) if place < early => {}
                PlanStep::Spatial(op) => begin(passes, Start::Spatial(*op), changes),
                PlanStep::Pixels(ops) => {
                    for op in ops.iter().flatten().copied() {
                        if op.needs_mean() {
                            begin(passes, Start::Mean(op), changes);
                        }
                        // The mean is filled in when the pass begins.
                        match op.pointwise([0.0; 3]) {
                            Some(change) => changes.push(change),
                            None => begin(passes, Start::Image(op), changes),
                        }
                    }
                }
            }
        }
        if *normalize != Normalize::NONE {
            changes.push(Pointwise::Linear(Linear::normalize(normalize)));
        }
        close(passes, changes.len());
    }

    /// Runs the passes from `first` on; `sum` is the sum of all pixels if the first pass needs it.
    fn run_passes(&mut self, first: usize, mut sum: [f64; 3], mut planes: Planes<'_>) {
        let (height, width) = (planes.height, planes.width);
        let Self { buffers: Buffers { spare, blur, .. }, passes, changes, .. } = self;
        for (place, pass) in passes.iter().enumerate().skip(first) {
            if let Start::Mean(op) = pass.start
                && let Some(change) = op.pointwise(mean_color(sum, height * width))
            {
                changes[pass.changes.start] = change;
            }
            let (before, changes) = changes[..pass.changes.end].split_at(pass.changes.start);
            let measure = is_measured(passes, place + 1);
            sum = [0.0; 3];
            let gray = before.last() == Some(&Pointwise::Grayscale);
            let (linear, changes) = match (pass.start, changes) {
                (Start::Spatial(SpatialOp::Blur { .. }), [Pointwise::Linear(linear)]) if !gray => {
                    (*linear, &[][..])
                }
                _ => (Linear::IDENTITY, changes),
            };
            let mut then = |mut rows: Planes<'_>| {
                apply_pointwise(changes, rows.rows(0, rows.height));
                if measure {
                    add(&mut sum, channel_sums(rows));
                }
            };
            let mut all = planes.rows(0, height);
            match pass.start {
                Start::Spatial(SpatialOp::Blur { kernel_size, sigma }) => {
                    blur.run(Blurring { kernel_size, sigma, gray, then: linear }, all, then);
                    continue;
                }
                Start::Spatial(op) => reference::move_pixels(op, &mut all, spare),
                Start::Image(op) => reference::change_values(op, all.rows(0, height)),
                Start::Changes | Start::Mean(_) => {}
            }
            then(all);
        }
    }
}

fn add(to: &mut [f64; 3], more: [f64; 3]) {
    to.iter_mut().zip(more).for_each(|(to, more)| *to += more);
}

/// Returns whether a pass needs the sums of all pixels.
fn is_measured(passes: &[Pass], place: usize) -> bool {
    passes.get(place).is_some_and(|pass| matches!(pass.start, Start::Mean(_)))
}

/// Ends the last pass with this change.
fn close(passes: &mut [Pass], end: usize) {
    let start = passes.len().checked_sub(2).map_or(0, |before| passes[before].changes.end);
    if let Some(pass) = passes.last_mut() {
        pass.changes = start..end;
    }
}

/// Returns the resizing a view begins with, and the number of steps that are part of it.
fn first_resize(steps: &[PlanStep], image: [usize; 2]) -> Option<(Resizing, usize)> {
    let used = resizing_steps(steps)?;
    let Some(PlanStep::Spatial(SpatialOp::Crop { part, size, resampling })) = steps.first() else {
        return None;
    };
    let resize = Resizing::new(*part, image, *size, *resampling);
    match steps[1..used] {
        [PlanStep::Spatial(SpatialOp::Crop { part, .. })] => Some((resize.window(part), used)),
        _ => Some((resize, used)),
    }
}

fn bytes<P>(image: &ImageBuffer<P, Vec<u8>>, channels: usize) -> Source<'_>
where
    P: image::Pixel<Subpixel = u8>,
{
    Source::Bytes(image.as_raw(), channels, image.width() as usize)
}
