//! Parts that recipes share.

use super::Recipe;
use crate::operator::{
    ColorJitter, GaussianBlur, Grayscale, HorizontalFlip, JitterConvention, RandomResizedCrop,
    Solarize,
};
use crate::{Interpolation, Normalize, Operator, Resampling};

/// The source of this project's own recipes.
pub(super) const OURS: &str = "selfsame";
/// Values from −1 to 1.
pub(super) const HALF: Normalize = Normalize { mean: [0.5; 3], std: [0.5; 3] };
pub(super) const FLIP: Operator = Operator::HorizontalFlip(HorizontalFlip { probability: 0.5 });
pub(super) const GRAY: Operator = Operator::Grayscale(Grayscale { probability: 0.2 });

impl Recipe {
    /// Returns a recipe normalized by the statistics of CIFAR-10.
    pub(super) fn cifar(name: &str, source: &str, views: Vec<Vec<Operator>>) -> Self {
        let (name, source) = (name.to_owned(), source.to_owned());
        Self { name, source, views, normalize: Normalize::CIFAR, shown: None }
    }

    /// Returns a recipe normalized by the statistics of `ImageNet`.
    pub(super) fn imagenet(name: &str, source: &str, views: Vec<Vec<Operator>>) -> Self {
        Self::cifar(name, source, views).with_normalize(Normalize::IMAGENET)
    }

    /// Cycles through the views until there are `views` of them.
    pub(super) fn repeated(self, name: &str, source: &str, views: usize) -> Self {
        let all = self.views.into_iter().cycle().take(views).collect();
        Self { name: name.to_owned(), source: source.to_owned(), views: all, ..self }
    }
}

/// Returns the operators that CIFAR's recipes share.
pub(super) fn small(area: [f64; 2], light: f64, saturation: f64, hue: f64) -> Vec<Operator> {
    vec![crop(32, area), FLIP, jitter(light, saturation, hue), GRAY]
}

/// Returns the operators that BYOL and its followers share: bicubic, and little saturation.
pub(super) fn large(size: u32, area: [f64; 2]) -> Vec<Operator> {
    vec![bicubic_crop(size, area), FLIP, jitter(0.4, 0.2, 0.1), GRAY]
}

/// Appends an operator.
pub(super) fn with(mut view: Vec<Operator>, last: Operator) -> Vec<Operator> {
    view.push(last);
    view
}

/// Returns a random crop of the usual shapes, 3:4 to 4:3.
pub(super) fn crop(size: u32, area: [f64; 2]) -> Operator {
    crop_with(Interpolation::Bilinear, size, area)
}

/// Returns a random crop of the usual shapes with bicubic interpolation.
pub(super) fn bicubic_crop(size: u32, area: [f64; 2]) -> Operator {
    crop_with(Interpolation::Bicubic, size, area)
}

fn crop_with(interpolation: Interpolation, size: u32, area: [f64; 2]) -> Operator {
    let resampling = Resampling { interpolation, antialias: true };
    RandomResizedCrop { size, area, aspect: [0.75, 4.0 / 3.0], resampling }.into()
}

/// Returns a jitter with the same strength of brightness and contrast, with probability 0.8.
pub(super) fn jitter(light: f64, saturation: f64, hue: f64) -> Operator {
    let (brightness, contrast, convention) = (light, light, JitterConvention::Torchvision);
    ColorJitter { brightness, contrast, saturation, hue, convention, probability: 0.8 }.into()
}

/// Returns a blur with a kernel of a tenth of the side and a deviation of 0.1 to 2 pixels.
pub(super) fn blur(probability: f64) -> Operator {
    GaussianBlur { kernel_size: None, sigma: [0.1, 2.0], probability }.into()
}

/// Returns a blur of the same strength whose kernel reaches three deviations, for images so small
/// that a tenth of their side is no kernel. Pillow's blur has no limit either.
pub(super) fn whole_blur(probability: f64) -> Operator {
    GaussianBlur { kernel_size: Some(13), sigma: [0.1, 2.0], probability }.into()
}

/// Returns a solarization of the brighter half.
pub(super) fn solarize(probability: f64) -> Operator {
    Solarize { threshold: 0.5, probability }.into()
}
