//! Views made on a device are the views made on the host.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::unwrap_used,
    reason = "small images; a helper's failure is the test's"
)]

use burn::tensor::{DType, Device, Tensor, TensorData};
use image::{DynamicImage, ImageBuffer, Rgb};
use selfsame_augment::operator::{
    CenterCrop, ChannelDropout, ColorJitter, Cutout, Equalize, GaussianBlur, Grayscale,
    HorizontalFlip, PadCrop, Posterize, RandomErasing, RandomResizedCrop, Resize, Rotation,
    Solarize, VerticalFlip,
};
use selfsame_augment::{
    Border, Interpolation, JitterConvention, Normalize, Operator, PlanarImage, Recipe, Resampling,
    Scratch, ViewKey, ViewMaker,
};

/// Rounding only, after normalization, which multiplies by four; hue divides by a pixel's range.
const TOLERANCE: f32 = 1e-4;

/// Draws waves with a little noise, another image for each number.
fn image(number: u32, width: u32, height: u32) -> DynamicImage {
    let image = ImageBuffer::from_fn(width, height, |x, y| {
        let wave = |a: f64, b: f64| {
            let phase = a * f64::from(x) / 9.0 + b * f64::from(y) / 7.0 + f64::from(number);
            let noise = f64::from((x * 31 + y * 17 + number * 7) % 13);
            (115.0 + 100.0 * phase.sin() + noise).round().clamp(0.0, 255.0) as u8
        };
        Rgb([wave(2.0, 0.5), wave(-0.7, 1.5), wave(0.4, -1.9)])
    });
    DynamicImage::ImageRgb8(image)
}

fn images(count: u32, width: u32, height: u32) -> Vec<DynamicImage> {
    (0..count).map(|number| image(number, width, height)).collect()
}

fn batch(images: &[DynamicImage]) -> Tensor<4> {
    let planes: Vec<PlanarImage> = images.iter().map(PlanarImage::from_image).collect();
    let dims = [images.len(), 3, planes[0].height, planes[0].width];
    let data = planes.into_iter().flat_map(|image| image.data).collect();
    Tensor::from_data(TensorData::new(data, dims), &Device::flex())
}

fn keys(count: usize) -> Vec<ViewKey> {
    let key = |sample| ViewKey { seed: 11, epoch: 2, sample, view: 0 };
    (0..count as u64).map(key).collect()
}

fn values(tensor: Tensor<4>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// Returns the largest difference of any value of any view, device against host.
fn difference(recipe: &Recipe, images: &[DynamicImage]) -> f32 {
    recipe.validate().unwrap();
    let keys = keys(images.len());
    let views = recipe.views_on_device(batch(images), &keys);
    assert_eq!(views.len(), recipe.view_count());
    let mut worst = 0.0_f32;
    let mut scratch = Scratch::default();
    for (view, made) in views.into_iter().enumerate() {
        let [channels, height, width] = recipe.view_dims(view);
        assert_eq!(made.dims(), [images.len(), channels, height, width]);
        let mut want = vec![0.0; channels * height * width];
        for ((image, key), found) in images.iter().zip(&keys).zip(values(made).chunks(want.len())) {
            let key = ViewKey { view: view as u32, ..*key };
            recipe.write_view(image, key, &mut scratch, &mut want);
            // NaN counts as the largest difference.
            let apart = |(a, b): (&f32, &f32)| Some((a - b).abs()).filter(|d| d.is_finite());
            let apart = found.iter().zip(&want).map(|pair| apart(pair).unwrap_or(f32::MAX));
            worst = apart.fold(worst, f32::max);
        }
    }
    worst
}

/// One view of `operators`, not normalized.
fn recipe(operators: Vec<Operator>) -> Recipe {
    let views = vec![operators];
    let (name, source) = ("one".to_owned(), "test".to_owned());
    Recipe { name, source, views, normalize: Normalize::NONE, shown: None }
}

fn jitter(convention: JitterConvention, probability: f64) -> Operator {
    let (brightness, contrast, saturation, hue) = (0.6, 0.7, 0.8, 0.4);
    ColorJitter { brightness, contrast, saturation, hue, convention, probability }.into()
}

#[test]
fn every_recipe_makes_the_views_of_the_host() {
    for recipe in Recipe::all() {
        let large = recipe.view_dims(0)[1] > 32;
        let images = images(if large { 2 } else { 6 }, 40, 36);
        let worst = difference(&recipe, &images);
        assert!(worst < TOLERANCE, "{}: {worst}", recipe.name);
    }
}

#[test]
fn every_operator_does_what_it_does_on_the_host() {
    let (probability, area, aspect) = (0.6, [0.02, 0.3], [0.3, 3.3]);
    let operators: [Operator; 18] = [
        Resize { size: 24, resampling: Resampling::default() }.into(),
        PadCrop { size: 30, padding: 6, border: Border::Zero }.into(),
        PadCrop { size: 44, padding: 9, border: Border::Reflect }.into(),
        HorizontalFlip { probability }.into(),
        VerticalFlip { probability }.into(),
        Rotation { degrees: 180.0, probability }.into(),
        jitter(JitterConvention::Torchvision, probability),
        jitter(JitterConvention::TensorFlowAdded, probability),
        jitter(JitterConvention::TensorFlow, probability),
        Grayscale { probability }.into(),
        GaussianBlur { kernel_size: Some(9), sigma: [0.1, 3.0], probability }.into(),
        GaussianBlur { kernel_size: None, sigma: [0.1, 2.0], probability: 1.0 }.into(),
        Solarize { threshold: 0.3, probability }.into(),
        Equalize { probability }.into(),
        Posterize { bits: 3, probability }.into(),
        RandomErasing { area, aspect, fill: 0.5, probability }.into(),
        Cutout { size: 11, fill: 0.0, probability }.into(),
        ChannelDropout { fill: 0.25, probability }.into(),
    ];
    let images = images(8, 40, 36);
    for operator in operators {
        // First of all, where both sides see the same bytes: what jumps, jumps alike.
        let text = operator.to_string();
        let worst = difference(&recipe(vec![operator, CenterCrop { size: 28 }.into()]), &images);
        assert!(worst < TOLERANCE, "{text}: {worst}");
    }
}

#[test]
fn every_resampling_is_that_of_the_host() {
    for interpolation in [Interpolation::Bilinear, Interpolation::Bicubic] {
        for antialias in [false, true] {
            let resampling = Resampling { interpolation, antialias };
            // Larger and smaller parts than the view.
            let (size, area, aspect) = (20, [0.05, 1.0], [0.5, 2.0]);
            let crop = RandomResizedCrop { size, area, aspect, resampling };
            let worst = difference(&recipe(vec![crop.into()]), &images(8, 40, 36));
            assert!(worst < 1e-5, "{resampling:?}: {worst}");
        }
    }
}

#[test]
fn operators_in_any_order_do_what_they_do_on_the_host() {
    let probability = 0.5;
    let flip = || HorizontalFlip { probability }.into();
    let views = vec![
        PadCrop { size: 40, padding: 4, border: Border::Reflect }.into(),
        Rotation { degrees: 30.0, probability }.into(),
        flip(),
        jitter(JitterConvention::Torchvision, probability),
        Resize { size: 30, resampling: Resampling::default() }.into(),
        jitter(JitterConvention::TensorFlowAdded, probability),
        Grayscale { probability: 0.2 }.into(),
        GaussianBlur { kernel_size: Some(5), sigma: [0.5, 1.5], probability }.into(),
        Cutout { size: 9, fill: 0.3, probability }.into(),
        VerticalFlip { probability }.into(),
        CenterCrop { size: 26 }.into(),
        flip(),
    ];
    let worst = difference(&recipe(views).with_normalize(Normalize::CIFAR), &images(8, 40, 36));
    assert!(worst < TOLERANCE, "{worst}");
}

#[test]
fn a_view_does_not_depend_on_its_batch() {
    let images = images(6, 40, 36);
    let keys = keys(6);
    for recipe in [Recipe::byol_cifar(), Recipe::emp_ssl_cifar(2), Recipe::shapes(32)] {
        let together = recipe.views_on_device(batch(&images), &keys);
        for (place, key) in keys.iter().enumerate() {
            let alone = recipe.views_on_device(batch(&images[place..=place]), &[*key]);
            for (together, alone) in together.iter().zip(alone) {
                let together = values(together.clone().narrow(0, place, 1));
                let worst = together
                    .iter()
                    .zip(values(alone))
                    .map(|(a, b)| (a - b).abs())
                    .fold(0.0, f32::max);
                // Sums may be added up in another order.
                assert!(worst < 1e-5, "{} {place}: {worst}", recipe.name);
            }
        }
    }
}

#[test]
fn images_of_half_precision_become_single() {
    let half = batch(&images(2, 8, 8)).cast(DType::F16);
    let views = Recipe::simclr_cifar().views_on_device(half, &keys(2));
    assert!(views.iter().all(|view| view.dtype() == DType::F32 && view.dims() == [2, 3, 32, 32]));
}

#[test]
#[should_panic(expected = "outside autodiff")]
fn a_device_with_autodiff_is_refused() {
    let _ = Recipe::simclr_cifar().views_on_device(batch(&images(1, 8, 8)).autodiff(), &keys(1));
}

#[test]
#[should_panic(expected = "one key per image")]
fn a_key_too_few_is_refused() {
    let _ = Recipe::simclr_cifar().views_on_device(batch(&images(2, 8, 8)), &keys(1));
}

#[test]
#[should_panic(expected = "red, green and blue")]
fn gray_images_are_refused() {
    let gray = batch(&images(1, 8, 8)).narrow(1, 0, 1);
    let _ = Recipe::simclr_cifar().views_on_device(gray, &keys(1));
}
