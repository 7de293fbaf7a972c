//! Views on one core, views of whole batches on a device, and every operator alone, for small
//! images and for photographs. Ids are `operation/name/shape/dtype/device`.

use std::hint::black_box;

use burn::tensor::{Tensor, TensorData};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use image::{DynamicImage, Rgb, RgbImage};
use selfsame::augment::{
    Border, CropBox, PixelOp, PlanStep, PlanarImage, Recipe, Resampling, Scratch, SpatialOp,
    ViewKey, ViewMaker,
};
use selfsame_benches::device::BenchDevice;

/// Smooth, with color everywhere.
fn image(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let wave = |a: f32, b: f32| {
            let phase = a * x as f32 / width as f32 + b * y as f32 / height as f32;
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 255")]
            let byte = (127.5 + 127.5 * phase.sin()) as u8;
            byte
        };
        Rgb([wave(9.0, 4.0), wave(-3.0, 11.0), wave(5.0, -7.0)])
    })
}

/// Whole recipes; the key changes, so that the draws of every view differ.
fn recipes(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("views");
    group.throughput(Throughput::Elements(1));
    let photograph = || DynamicImage::from(image(500, 375));
    let small = || DynamicImage::from(image(32, 32));
    for (recipe, image) in [
        (Recipe::simclr_cifar(), small()),
        (Recipe::byol_cifar(), small()),
        (Recipe::supervised_cifar(), small()),
        (Recipe::shapes(32), small()),
        (Recipe::simclr_imagenet(), photograph()),
        (Recipe::byol_imagenet(), photograph()),
        (Recipe::evaluation_imagenet(), photograph()),
    ] {
        let size = recipe.view_dims(0);
        let mut out = vec![0.0; size.iter().product()];
        let mut scratch = Scratch::default();
        let mut key = ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 };
        let from = format!("{}x{}px/f32/host", image.width(), image.height());
        group.bench_function(BenchmarkId::new(&recipe.name, from), |bencher| {
            bencher.iter(|| {
                key.sample += 1;
                recipe.write_view(black_box(&image), key, &mut scratch, &mut out);
            });
        });
    }
    group.finish();
}

/// Both views of every image of a batch, on the device.
fn batches(criterion: &mut Criterion) {
    let device = BenchDevice::from_environment();
    let mut group = criterion.benchmark_group("views_on_device");
    group.sample_size(10);
    for (recipe, batch, [width, height]) in
        [(Recipe::simclr_cifar(), 64_u16, [32, 32]), (Recipe::simclr_imagenet(), 8, [500, 375])]
    {
        let PlanarImage { height, width, data } =
            PlanarImage::from_image(&image(width, height).into());
        let data = TensorData::new(data.repeat(batch.into()), [batch.into(), 3, height, width]);
        let images = Tensor::<4>::from_data(data, &device.device);
        group.throughput(Throughput::Elements(u64::from(batch) * recipe.view_count() as u64));
        let mut epoch = 0;
        let from = device.id(&format!("{batch}x{width}x{height}px"));
        group.bench_function(BenchmarkId::new(&recipe.name, from), |bencher| {
            bencher.iter(|| {
                epoch += 1;
                let key = |image| ViewKey { seed: 0, epoch, sample: image, view: 0 };
                let keys: Vec<ViewKey> = (0..u64::from(batch)).map(key).collect();
                let views = recipe.views_on_device(black_box(images.clone()), &keys);
                // Reading the views waits for the device.
                views.into_iter().map(Tensor::into_data).collect::<Vec<_>>()
            });
        });
    }
    group.finish();
}

/// Every operator, with parameters that change the image.
fn operators(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("operators");
    for side in [32_u32, 224] {
        let image = PlanarImage::from_image(&image(side, side).into());
        let size = [image.height, image.width];
        let part = CropBox::center(size, size.map(|side| side * 3 / 4));
        let resampling = Resampling::default();
        let border = Border::Reflect;
        let kernel_size = 2 * (size[0] / 20) + 1;
        let steps: [(&str, PlanStep); 18] = [
            ("resized_crop", SpatialOp::Crop { part, size, resampling }.into()),
            ("window", SpatialOp::PadCrop { place: [-3, 2], size: size[0], border }.into()),
            ("horizontal_flip", SpatialOp::HorizontalFlip.into()),
            ("vertical_flip", SpatialOp::VerticalFlip.into()),
            ("rotate", SpatialOp::Rotate { degrees: 33.0 }.into()),
            ("brightness", [PixelOp::Brightness(0.999); 4].into()),
            ("contrast", [PixelOp::Contrast(0.999); 4].into()),
            ("channel_contrast", [PixelOp::ChannelContrast(0.999); 4].into()),
            ("hsv_saturation", [PixelOp::HsvSaturation(0.999); 4].into()),
            ("saturation", [PixelOp::Saturation(0.999); 4].into()),
            ("hue", [PixelOp::Hue(0.1); 4].into()),
            ("grayscale", PixelOp::Grayscale.into()),
            ("gaussian_blur", SpatialOp::Blur { kernel_size, sigma: 1.05 }.into()),
            ("solarize", PixelOp::Solarize { threshold: 0.5 }.into()),
            ("equalize", PixelOp::Equalize.into()),
            ("posterize", PixelOp::Posterize { bits: 4 }.into()),
            ("erase", PixelOp::Erase { part, fill: 0.5 }.into()),
            ("drop_channel", PixelOp::DropChannel { channel: 1, fill: 0.5 }.into()),
        ];
        for (name, step) in steps {
            let mut scratch = Scratch::default();
            let mut image = image.clone();
            group.bench_function(BenchmarkId::new(name, format!("{side}px/f32/host")), |bencher| {
                bencher.iter(|| step.apply(black_box(&mut image), &mut scratch));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, recipes, batches, operators);
criterion_main!(benches);
