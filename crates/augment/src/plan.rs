//! What has been drawn for a view.

use crate::blur::Blurring;
use crate::resize::{Resize, Source};
use crate::view::resizing_steps;
use crate::{Border, CropBox, PlanarImage, Resampling, Scratch, ViewKey};

/// One step of one view, with its parameters drawn: nothing about it is random any more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Plan {
    /// Nothing happens this time.
    Skip,
    /// A part of the image, resized to `[height, width]`; see [`resized_crop`](crate::resized_crop).
    Crop {
        /// The part.
        part: CropBox,
        /// The new size.
        size: [usize; 2],
        /// How it is resized.
        resampling: Resampling,
    },
    /// A square that may lie partly beyond the image; see [`window`](crate::window).
    Window {
        /// First row and column.
        place: [isize; 2],
        /// Side of the square.
        size: usize,
        /// What lies beyond.
        border: Border,
    },
    /// See [`horizontal_flip`](crate::horizontal_flip).
    HorizontalFlip,
    /// See [`vertical_flip`](crate::vertical_flip).
    VerticalFlip,
    /// See [`rotate`](crate::rotate).
    Rotate {
        /// The angle, counter-clockwise.
        degrees: f64,
    },
    /// Four changes of color, one after the other.
    Jitter([Jitter; 4]),
    /// See [`grayscale`](crate::grayscale).
    Grayscale,
    /// See [`gaussian_blur`](crate::gaussian_blur).
    Blur {
        /// Size of the kernel, odd; it reaches no further than the image is large.
        kernel_size: usize,
        /// Its standard deviation.
        sigma: f64,
    },
    /// See [`solarize`](crate::solarize).
    Solarize {
        /// From where on.
        threshold: f32,
    },
    /// See [`equalize`](crate::equalize).
    Equalize,
    /// See [`posterize`](crate::posterize).
    Posterize {
        /// Bits that are left.
        bits: u32,
    },
    /// See [`erase`](crate::erase).
    Erase {
        /// What is painted over.
        part: CropBox,
        /// The gray it is painted with, in `[0, 1]`.
        fill: f32,
    },
    /// See [`drop_channel`](crate::drop_channel).
    DropChannel {
        /// 0, 1 or 2.
        channel: usize,
        /// What it is set to.
        fill: f32,
    },
}

/// One change of color.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Jitter {
    /// See [`brightness`](crate::brightness).
    Brightness(f32),
    /// See [`lighten`](crate::lighten).
    Lighten(f32),
    /// See [`contrast`](crate::contrast).
    Contrast(f32),
    /// See [`channel_contrast`](crate::channel_contrast).
    ChannelContrast(f32),
    /// See [`saturation`](crate::saturation).
    Saturation(f32),
    /// See [`hsv_saturation`](crate::hsv_saturation).
    HsvSaturation(f32),
    /// See [`hue`](crate::hue).
    Hue(f32),
}

impl Plan {
    /// What an image of `[height, width]` has become afterwards.
    #[must_use]
    pub fn size(&self, image: [usize; 2]) -> [usize; 2] {
        match *self {
            Self::Crop { size, .. } => size,
            Self::Window { size, .. } => [size; 2],
            _ => image,
        }
    }

    /// Applies what was drawn.
    ///
    /// # Panics
    /// If the plan was drawn for an image of another size.
    pub fn apply(&self, image: &mut PlanarImage, scratch: &mut Scratch) {
        let spare = &mut scratch.spare;
        match *self {
            Self::Skip => {}
            Self::Crop { part, size, resampling } => {
                let resize = Resize::new(part, [image.height, image.width], size, resampling);
                spare.reshape(size[0], size[1]);
                let to = spare.as_planes();
                scratch.resizer.run(&Source::Planes(image), &resize, to, |_| {});
                std::mem::swap(image, spare);
            }
            Self::Window { place, size, border } => {
                crate::window(image, place, size, border, spare);
            }
            Self::HorizontalFlip => crate::horizontal_flip(image),
            Self::VerticalFlip => crate::vertical_flip(image),
            Self::Rotate { degrees } => crate::rotate(image, degrees, spare),
            Self::Jitter(changes) => changes.iter().for_each(|change| change.apply(image)),
            Self::Grayscale => crate::grayscale(image),
            Self::Blur { kernel_size, sigma } => {
                let blur = Blurring::new(kernel_size, sigma);
                scratch.blur.run(blur, image.as_planes(), |_| {});
            }
            Self::Solarize { threshold } => crate::solarize(image, threshold),
            Self::Equalize => crate::equalize(image),
            Self::Posterize { bits } => crate::posterize(image, bits),
            Self::Erase { part, fill } => crate::erase(image, part, [fill; 3]),
            Self::DropChannel { channel, fill } => crate::drop_channel(image, channel, fill),
        }
    }
}

impl Jitter {
    fn apply(self, image: &mut PlanarImage) {
        match self {
            Self::Brightness(factor) => crate::brightness(image, factor),
            Self::Lighten(shift) => crate::lighten(image, shift),
            Self::Contrast(factor) => crate::contrast(image, factor),
            Self::ChannelContrast(factor) => crate::channel_contrast(image, factor),
            Self::Saturation(factor) => crate::saturation(image, factor),
            Self::HsvSaturation(factor) => crate::hsv_saturation(image, factor),
            Self::Hue(shift) => crate::hue(image, shift),
        }
    }
}

/// Everything random about one view, drawn before the image is decoded.
///
/// # Example
/// ```
/// use selfsame_augment::{Recipe, ViewKey};
///
/// let recipe = Recipe::evaluation(32);
/// let key = ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 };
/// // 32 of 100 rows: a decoder may leave out every second one, not three of four.
/// assert_eq!(recipe.plan(key, [100, 150]).smallest_scale(), 2);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ViewPlan {
    /// The view it was drawn for.
    pub key: ViewKey,
    /// `[height, width]` of the image it was drawn for.
    pub image: [usize; 2],
    /// What is done, in order; in a view with functions of one's own, before the first of them.
    pub steps: Vec<Plan>,
}

impl ViewPlan {
    /// The largest of 1, 2, 4 and 8 by which both sides of the image may be divided, so that the
    /// part that is cut first is still no smaller than what it is resized to.
    ///
    /// It is 1 if the view does not begin by cutting, cuts again later, or resizes without
    /// antialiasing: what a decoder leaves out would be seen.
    #[must_use]
    pub fn smallest_scale(&self) -> usize {
        let Some(Plan::Crop { part, size, resampling }) = self.steps.first() else { return 1 };
        if resizing_steps(&self.steps).is_none() || !resampling.antialias {
            return 1;
        }
        let fits = |scale: &usize| part.height >= size[0] * scale && part.width >= size[1] * scale;
        [8, 4, 2].into_iter().find(fits).unwrap_or(1)
    }

    /// The part of the image that the view is made of, in pixels of the [`image`](Self::image) it
    /// was drawn for: no other pixel counts. All of it, if the view does not begin by cutting.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::{Plan, Recipe, ViewKey};
    ///
    /// let key = ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 };
    /// let plan = Recipe::simclr_imagenet().plan(key, [375, 500]);
    /// let Plan::Crop { part, .. } = plan.steps[0] else { panic!("SimCLR cuts first") };
    /// assert_eq!(plan.part(), part);
    /// ```
    #[must_use]
    pub fn part(&self) -> CropBox {
        match self.steps.first() {
            Some(Plan::Crop { part, .. }) => *part,
            _ => CropBox::whole(self.image),
        }
    }
}
