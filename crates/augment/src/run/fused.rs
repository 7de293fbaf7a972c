//! Making a view in as few passes over its pixels as there can be.

use std::ops::Range;

use image::{DynamicImage, ImageBuffer};

use crate::blur::{Blur, Blurring};
use crate::color::{mean_color, mean_gray, posterized};
use crate::equalize::equalize_plane;
use crate::erase::erase_planes;
use crate::flip::{mirror_columns, mirror_rows};
use crate::paint::{Change, Linear, Planes, paint, sums};
use crate::resize::{Resize, Resizer, Source};
use crate::rotate::turn;
use crate::{Jitter, Normalize, Plan, PlanarImage};

/// Room for making views that is used again and again; one per thread.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    pub(crate) spare: PlanarImage,
    pub(crate) steps: Vec<Plan>,
    planar: PlanarImage,
    pub(crate) resizer: Resizer,
    pub(crate) blur: Blur,
    passes: Vec<Pass>,
    changes: Vec<Change>,
}

/// One pass over all pixels of a view.
#[derive(Clone, Debug)]
struct Pass {
    /// What is done first, if more than changes of color.
    step: Plan,
    /// The first change is this one of contrast; its mean is known when the pass begins.
    contrast: Option<Jitter>,
    /// The changes of color that follow.
    changes: Range<usize>,
}

impl Scratch {
    /// Carries out steps drawn for an image of size `planned`.
    #[track_caller]
    pub(crate) fn write(
        &mut self,
        image: &DynamicImage,
        planned: [usize; 2],
        steps: &[Plan],
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
            assert_eq!(size, planned, "only a plan that begins by cutting fits a smaller image");
            self.write_loaded(image, steps, normalize, planes);
        }
    }

    /// Resizing is the first pass, from the image into the view.
    fn write_resized(
        &mut self,
        image: &DynamicImage,
        resize: Resize,
        steps: &[Plan],
        normalize: &Normalize,
        mut planes: Planes<'_>,
    ) {
        // Mirroring changes neither colors nor how they blur: it can as well come first.
        let early = steps.iter().position(|step| !step.mirrors()).unwrap_or(steps.len());
        let flips = steps[..early].iter().filter(|step| **step == Plan::HorizontalFlip).count();
        let resize = resize.flipped(flips % 2 == 1);
        self.schedule(steps, early, normalize);
        let Self { resizer, passes, changes, .. } = self;
        let changes = &changes[passes[0].changes.clone()];
        let measure = is_measured(passes, 1);
        let mut sum = [0.0; 3];
        let then = |mut rows: Planes<'_>| {
            paint(changes, rows.rows(0, rows.height));
            if measure {
                add(&mut sum, sums(rows));
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
        self.make_passes(1, sum, planes);
    }

    /// The image is loaded as a whole; steps up to the last that sets a size are done one by one.
    fn write_loaded(
        &mut self,
        image: &DynamicImage,
        steps: &[Plan],
        normalize: &Normalize,
        mut planes: Planes<'_>,
    ) {
        let last = steps.iter().rposition(Plan::resizes).map_or(0, |last| last + 1);
        let mut planar = std::mem::take(&mut self.planar);
        planar.load(image);
        for step in &steps[..last] {
            step.apply(&mut planar, self);
        }
        for (to, from) in planes.channels().into_iter().zip(planar.planes_mut()) {
            to.copy_from_slice(from);
        }
        self.planar = planar;
        self.schedule(&steps[last..], 0, normalize);
        self.make_passes(0, [0.0; 3], planes);
    }

    /// Sorts what comes after cutting into passes. Flips before the step `early` are done already.
    fn schedule(&mut self, steps: &[Plan], early: usize, normalize: &Normalize) {
        let Self { passes, changes, .. } = self;
        passes.clear();
        changes.clear();
        passes.push(Pass { step: Plan::Skip, contrast: None, changes: 0..0 });
        let start = |step, contrast| Pass { step, contrast, changes: 0..0 };
        for (place, step) in steps.iter().enumerate() {
            let before = changes.len();
            match *step {
                Plan::HorizontalFlip if place < early => {}
                Plan::Jitter(jitter) => {
                    for change in jitter {
                        changes.push(match change {
                            Jitter::Brightness(factor) => Change::Scale(factor),
                            Jitter::Lighten(shift) => Change::Shift(shift),
                            Jitter::Saturation(factor) => Change::Saturation(factor),
                            Jitter::Hue(shift) => Change::Hue(shift),
                            Jitter::HsvSaturation(factor) => Change::HsvSaturation(factor),
                            Jitter::Contrast(factor) | Jitter::ChannelContrast(factor) => {
                                close(passes, changes.len());
                                passes.push(start(Plan::Skip, Some(change)));
                                Change::away_from([0.0; 3], factor)
                            }
                        });
                    }
                }
                Plan::Skip => {}
                Plan::Grayscale => changes.push(Change::Grayscale),
                Plan::Solarize { threshold } => changes.push(Change::Solarize(threshold)),
                Plan::Posterize { bits } => changes.push(posterized(bits)),
                Plan::DropChannel { channel, fill } => changes.push(Change::Drop { channel, fill }),
                step => {
                    close(passes, before);
                    passes.push(start(step, None));
                }
            }
        }
        if *normalize != Normalize::NONE {
            changes.push(Change::Linear(Linear::normalize(normalize)));
        }
        close(passes, changes.len());
    }

    /// Makes the passes from `first` on; `sum` is that of all pixels if that one needs it.
    fn make_passes(&mut self, first: usize, mut sum: [f64; 3], mut planes: Planes<'_>) {
        let (height, width) = (planes.height, planes.width);
        let Self { spare, blur, passes, changes, .. } = self;
        for (place, pass) in passes.iter().enumerate().skip(first) {
            let mean = || mean_color(sum, height * width);
            let contrast = match pass.contrast {
                Some(Jitter::Contrast(factor)) => {
                    Some(Change::away_from(mean_gray(mean()), factor))
                }
                Some(Jitter::ChannelContrast(factor)) => Some(Change::away_from(mean(), factor)),
                _ => None,
            };
            if let Some(contrast) = contrast {
                changes[pass.changes.start] = contrast;
            }
            let (before, changes) = changes[..pass.changes.end].split_at(pass.changes.start);
            let measure = is_measured(passes, place + 1);
            sum = [0.0; 3];
            let gray = before.last() == Some(&Change::Grayscale);
            let (linear, changes) = match (pass.step, changes) {
                (Plan::Blur { .. }, [Change::Linear(linear)]) if !gray => (*linear, &[][..]),
                _ => (Linear::NONE, changes),
            };
            let mut then = |mut rows: Planes<'_>| {
                paint(changes, rows.rows(0, rows.height));
                if measure {
                    add(&mut sum, sums(rows));
                }
            };
            let mut all = planes.rows(0, height);
            if let Plan::Blur { kernel_size, sigma } = pass.step {
                blur.run(Blurring { kernel_size, sigma, gray, then: linear }, all, then);
            } else {
                in_place(&pass.step, &mut all, spare);
                then(all);
            }
        }
    }
}

fn add(to: &mut [f64; 3], more: [f64; 3]) {
    to.iter_mut().zip(more).for_each(|(to, more)| *to += more);
}

/// Whether a pass needs the sums of all pixels.
fn is_measured(passes: &[Pass], place: usize) -> bool {
    passes.get(place).is_some_and(|pass| pass.contrast.is_some())
}

/// The last pass so far ends with this change.
fn close(passes: &mut [Pass], end: usize) {
    let start = passes.len().checked_sub(2).map_or(0, |before| passes[before].changes.end);
    if let Some(pass) = passes.last_mut() {
        pass.changes = start..end;
    }
}

/// The resizing a view begins with, and the number of steps that are part of it.
fn first_resize(steps: &[Plan], image: [usize; 2]) -> Option<(Resize, usize)> {
    let used = resizing_steps(steps)?;
    let Some(Plan::Crop { part, size, resampling }) = steps.first() else { return None };
    let resize = Resize::new(*part, image, *size, *resampling);
    match steps[1..used] {
        [Plan::Crop { part, .. }] => Some((resize.window(part), used)),
        _ => Some((resize, used)),
    }
}

/// The number of steps that are one resizing, if a view begins with one and has no other.
///
/// A cut that follows only says which part of the result is wanted at all.
pub(crate) fn resizing_steps(steps: &[Plan]) -> Option<usize> {
    let used = match steps {
        [Plan::Crop { .. }, Plan::Crop { part, size, .. }, ..]
            if [part.height, part.width] == *size =>
        {
            2
        }
        [Plan::Crop { .. }, ..] => 1,
        _ => return None,
    };
    (!steps[used..].iter().any(Plan::resizes)).then_some(used)
}

/// Steps that move pixels or depend on all of them.
fn in_place(step: &Plan, planes: &mut Planes<'_>, spare: &mut PlanarImage) {
    match *step {
        Plan::HorizontalFlip => mirror_rows(planes),
        Plan::VerticalFlip => mirror_columns(planes),
        Plan::Rotate { degrees } => turn(planes, degrees, spare),
        Plan::Equalize => planes.channels().into_iter().for_each(equalize_plane),
        Plan::Erase { part, fill } => erase_planes(planes, part, [fill; 3]),
        _ => {}
    }
}

impl Plan {
    /// Whether the image may have another size afterwards.
    fn resizes(&self) -> bool {
        matches!(self, Self::Crop { .. } | Self::Window { .. })
    }

    /// Whether mirroring before it is the same as mirroring after it.
    pub(crate) fn mirrors(&self) -> bool {
        matches!(
            self,
            Self::Skip
                | Self::HorizontalFlip
                | Self::VerticalFlip
                | Self::Jitter(_)
                | Self::Grayscale
                | Self::Blur { .. }
                | Self::Solarize { .. }
                | Self::Equalize
                | Self::Posterize { .. }
                | Self::DropChannel { .. }
        )
    }
}

fn bytes<P>(image: &ImageBuffer<P, Vec<u8>>, channels: usize) -> Source<'_>
where
    P: image::Pixel<Subpixel = u8>,
{
    Source::Bytes(image.as_raw(), channels, image.width() as usize)
}
