//! What holds for every recipe, and for operators in any order.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::float_cmp,
    reason = "small images, and views that are the same to the bit"
)]

use image::{DynamicImage, ImageBuffer, Luma, LumaA, Rgb, Rgba};
use proptest::prelude::*;
use rand::RngExt;
use selfsame_augment::operator::{
    CenterCrop, ChannelDropout, ColorJitter, Cutout, Equalize, GaussianBlur, Grayscale,
    HorizontalFlip, PadCrop, Posterize, RandomErasing, RandomResizedCrop, Resize, Rotation,
    Solarize, VerticalFlip,
};
use selfsame_augment::{
    Border, CropBox, Interpolation, JitterConvention, Normalize, Operator, PixelOp, PlanStep,
    PlanarImage, Recipe, RecipeError, Resampling, Scratch, ViewKey, ViewMaker, horizontal_flip,
    rotate, vertical_flip, view_grid,
};

fn key(sample: u64, view: u32) -> ViewKey {
    ViewKey { seed: 7, epoch: 1, sample, view }
}

/// Smooth, so that it looks the same at another size.
fn smooth(width: u32, height: u32) -> DynamicImage {
    let image = ImageBuffer::from_fn(width, height, |x, y| {
        let (x, y) = (f64::from(x) / f64::from(width), f64::from(y) / f64::from(height));
        let wave = |a: f64, b: f64| (127.5 + 110.0 * (a * x + b * y).sin()).round() as u8;
        Rgb([wave(7.0, 2.0), wave(-3.0, 5.0), wave(2.0, -6.0)])
    });
    DynamicImage::ImageRgb8(image)
}

fn view(recipe: &Recipe, image: &DynamicImage, key: ViewKey) -> Vec<f32> {
    let mut out = vec![f32::NAN; recipe.view_dims(key.view as usize).iter().product()];
    recipe.write_view(image, key, &mut Scratch::default(), &mut out);
    out
}

#[test]
fn every_recipe_makes_views_of_the_smallest_images() {
    for (width, height) in [(1, 1), (1, 40), (40, 1), (2, 3), (19, 16), (200, 3)] {
        let kinds: [DynamicImage; 6] = [
            ImageBuffer::from_pixel(width, height, Luma([60_u8])).into(),
            ImageBuffer::from_pixel(width, height, LumaA([60_u8, 9])).into(),
            smooth(width, height),
            ImageBuffer::from_pixel(width, height, Rgba([60_u8, 9, 1, 0])).into(),
            ImageBuffer::from_pixel(width, height, Luma([60_000_u16])).into(),
            ImageBuffer::from_pixel(width, height, Rgba([60_000_u16, 9, 1, 0])).into(),
        ];
        for (recipe, image) in Recipe::all().iter().zip(kinds.iter().cycle()) {
            for of in 0..recipe.view_count() as u32 {
                let recipe = recipe.clone().with_normalize(Normalize::NONE);
                let made = view(&recipe, image, key(5, of));
                // Bicubic may leave the range a little.
                let range = -0.2..1.2;
                assert!(
                    made.iter().all(|x| range.contains(x)),
                    "{} {width} × {height}",
                    recipe.name
                );
            }
        }
    }
}

#[test]
fn recipes_have_names_sources_and_text() {
    for recipe in Recipe::all() {
        recipe.validate().unwrap();
        assert_eq!(Recipe::by_name(&recipe.name).unwrap(), recipe);
        assert!(!recipe.source.is_empty());
        let text = serde_json::to_string(&recipe).unwrap();
        assert_eq!(serde_json::from_str::<Recipe>(&text).unwrap(), recipe);
        assert!(recipe.to_string().lines().count() > 2);
    }
}

#[test]
fn multi_crop_recipes_have_the_published_sizes() {
    let sides = |recipe: Recipe| -> Vec<usize> {
        (0..recipe.view_count()).map(|view| recipe.view_dims(view)[1]).collect()
    };
    assert_eq!(sides(Recipe::swav_imagenet()), [224, 224, 96, 96, 96, 96, 96, 96]);
    assert_eq!(sides(Recipe::dino_imagenet())[..4], [224, 224, 96, 96]);
    assert_eq!(sides(Recipe::swav_cifar()), [32, 32, 18, 18, 18, 18, 18, 18]);
    assert_eq!(sides(Recipe::emp_ssl_cifar(7)), [32; 7]);
    assert_eq!(sides(Recipe::msn_cifar()), [32, 32, 16, 16, 16, 16, 16, 16]);
    assert_eq!(sides(Recipe::w_mse_imagenet()), [224, 224, 96, 96, 96, 96, 96, 96]);
    assert_eq!(sides(Recipe::lejepa_imagenet()), [224, 224, 96, 96, 96, 96, 96, 96]);
    assert_eq!(sides(Recipe::visreg_imagenet())[2..6], [224, 224, 96, 96]);
    assert_eq!(sides(Recipe::msn_imagenet()).len(), 12);
    assert_eq!(sides(Recipe::mmcr_imagenet(8)), [224; 8]);
    let grid = view_grid(&[smooth(50, 40)], &Recipe::dino_imagenet(), 0);
    assert_eq!(grid.dimensions(), (11 * 100 + 4, 104));
}

/// Returns the text of a view's operators, one a line.
fn operators(recipe: &Recipe, view: usize) -> String {
    let lines: Vec<String> = recipe.views[view].iter().map(ToString::to_string).collect();
    lines.join("\n")
}

#[test]
fn the_recipes_of_solo_learn_have_its_numbers() {
    let crop = "random resized crop to 32 px: area 0.08 to 1, aspect 0.750 to 1.333, bicubic, \
                antialiased";
    let flip = "horizontal flip (probability 0.5)";
    let gray = "grayscale (probability 0.2)";
    let blur = "Gaussian blur: sigma 0.1 to 2 px, kernel 13 px (probability 0.5)";
    let jitter = |light: f64, saturation: f64, hue: f64| {
        format!(
            "color jitter: brightness {light}, contrast {light}, saturation {saturation}, hue {hue} \
             (probability 0.8)"
        )
    };
    let recipe = Recipe::symmetric_cifar();
    let strong = [crop, flip, &jitter(0.8, 0.8, 0.2), gray, blur].join("\n");
    assert_eq!([0, 1].map(|view| operators(&recipe, view)), [strong.clone(), strong]);
    let weak = [crop, flip, &jitter(0.4, 0.4, 0.1), gray, blur].join("\n");
    assert_eq!(operators(&Recipe::symmetric_weak_cifar(), 1), weak);
    let recipe = Recipe::asymmetric_cifar();
    let first = [crop, flip, &jitter(0.4, 0.2, 0.1), gray].join("\n");
    let second = format!("{first}\nsolarize from 0.5 on (probability 0.2)");
    assert_eq!([0, 1].map(|view| operators(&recipe, view)), [first.clone(), second]);
    let recipe = Recipe::ressl_cifar();
    let (student, teacher) = (format!("{first}\n{blur}"), format!("{crop}\n{flip}"));
    assert_eq!([0, 1].map(|view| operators(&recipe, view)), [student, teacher.clone()]);
    assert_eq!(operators(&Recipe::mae_cifar(), 0), teacher);
}

#[test]
fn small_local_views_are_blurred() {
    let recipe = Recipe::swav_cifar();
    let image = smooth(32, 32);
    let without = Recipe {
        views: vec![
            recipe.views[7].iter().filter(|o| o.to_string().contains("crop")).cloned().collect(),
        ],
        ..recipe.clone()
    };
    let blur = recipe.views[7].iter().find(|o| o.to_string().contains("blur")).unwrap();
    let mut with = without.clone();
    with.views[0].push(blur.clone());
    let differ = (0..100).filter(|&sample| {
        view(&without, &image, key(sample, 0)) != view(&with, &image, key(sample, 0))
    });
    assert!((1..30).contains(&differ.count()), "a tenth of the views of 18 pixels are blurred");
}

#[test]
fn operators_act_with_their_probability() {
    let draws = 4_000;
    for recipe in Recipe::all() {
        for (of, operators) in recipe.views.iter().enumerate() {
            if of > 0 && operators == &recipe.views[of - 1] {
                continue;
            }
            let mut acted = vec![0; operators.len()];
            for sample in 0..draws {
                let plan = recipe.plan(key(sample, of as u32), [60, 80]);
                for (acted, step) in acted.iter_mut().zip(&plan.steps) {
                    *acted += u32::from(*step != PlanStep::Skip);
                }
            }
            for (acted, operator) in acted.into_iter().zip(operators) {
                let (found, p) = (f64::from(acted) / draws as f64, operator.probability());
                // Within four and a half standard errors: there are a hundred of them.
                let error = 4.5 * (p * (1.0 - p) / draws as f64).sqrt();
                assert!((found - p).abs() <= error, "{} {operator}: {found}", recipe.name);
            }
        }
    }
}

#[test]
fn a_plan_makes_the_view_of_its_key() {
    let image = smooth(150, 110);
    let mut scratch = Scratch::default();
    for recipe in [Recipe::simclr_cifar(), Recipe::swav_cifar(), Recipe::evaluation(32)] {
        for sample in 0..20 {
            let plan = recipe.plan(key(sample, 0), [110, 150]);
            let mut out = vec![0.0; 3 * 32 * 32];
            recipe.write_planned(&image, &plan, &mut scratch, &mut out);
            assert_eq!(out, view(&recipe, &image, key(sample, 0)));
        }
    }
}

#[test]
fn an_image_decoded_smaller_makes_nearly_the_same_view() {
    let (whole, recipe) =
        (smooth(403, 302), Recipe::simclr_cifar().with_normalize(Normalize::NONE));
    let mut scales = [0; 9];
    for sample in 0..60 {
        let plan = recipe.plan(key(sample, 0), [302, 403]);
        let scale = plan.smallest_scale() as u32;
        scales[scale as usize] += 1;
        // A decoder's means of squares, cut off at the border.
        let reduced =
            ImageBuffer::from_fn(403_u32.div_ceil(scale), 302_u32.div_ceil(scale), |x, y| {
                let (mut sum, mut count) = ([0; 3], 0);
                for y in y * scale..((y + 1) * scale).min(302) {
                    for x in x * scale..((x + 1) * scale).min(403) {
                        let pixel = whole.as_rgb8().unwrap().get_pixel(x, y);
                        sum = [0, 1, 2].map(|c| sum[c] + u32::from(pixel[c]));
                        count += 1;
                    }
                }
                Rgb(sum.map(|sum| (sum / count) as u8))
            });
        let mut out = vec![0.0; 3 * 32 * 32];
        recipe.write_planned(&reduced.into(), &plan, &mut Scratch::default(), &mut out);
        let full = view(&recipe, &whole, key(sample, 0));
        let apart =
            out.iter().zip(&full).map(|(a, b)| (a - b).abs()).sum::<f32>() / full.len() as f32;
        // Bytes are rounded down once more, and the filter is another one.
        assert!(apart < 0.012, "scale {scale}: {apart}");
    }
    assert!(scales[2] > 2 && scales[4] > 2 && scales[8] > 2, "{scales:?}");
}

#[test]
fn a_view_depends_on_its_part_alone() {
    let (whole, mut parts) = (smooth(150, 110), 0);
    for recipe in [Recipe::simclr_imagenet(), Recipe::evaluation(32), Recipe::moco_v2_cifar()] {
        for sample in 0..20 {
            let plan = recipe.plan(key(sample, 0), [110, 150]);
            let part = plan.part();
            parts += usize::from(part != CropBox::whole([110, 150]));
            let inside = |x: u32, y: u32| {
                (part.left..part.left + part.width).contains(&(x as usize))
                    && (part.top..part.top + part.height).contains(&(y as usize))
            };
            let mut alone = whole.to_rgb8();
            for (x, y, pixel) in alone.enumerate_pixels_mut() {
                if !inside(x, y) {
                    *pixel = Rgb([255, 0, 255]);
                }
            }
            let mut out = vec![0.0; recipe.view_dims(0).iter().product()];
            recipe.write_planned(&alone.into(), &plan, &mut Scratch::default(), &mut out);
            assert_eq!(out, view(&recipe, &whole, key(sample, 0)), "{plan:?}");
        }
    }
    assert!(parts > 30, "{parts}");
}

#[test]
fn images_are_decoded_smaller_only_where_that_is_not_seen() {
    let mut recipe = Recipe::evaluation(32);
    assert_eq!(recipe.plan(key(0, 0), [300, 400]).smallest_scale(), 8);
    assert_eq!(recipe.plan(key(0, 0), [255, 400]).smallest_scale(), 4);
    assert_eq!(recipe.plan(key(0, 0), [40, 40]).smallest_scale(), 1);
    let resampling = Resampling { antialias: false, ..Resampling::default() };
    recipe.views[0][0] = Resize { size: 32, resampling }.into();
    assert_eq!(recipe.plan(key(0, 0), [300, 400]).smallest_scale(), 1);
    recipe.views[0] = vec![PadCrop { size: 32, padding: 4, border: Border::Zero }.into()];
    assert_eq!(recipe.plan(key(0, 0), [300, 400]).smallest_scale(), 1);
}

#[test]
fn errors_name_the_field() {
    let wrong = [
        (r#"{"op":"center_crop","size":0}"#, "size"),
        (r#"{"op":"pad_crop","size":8,"padding":99999}"#, "padding"),
        (r#"{"op":"rotation","degrees":361,"probability":1}"#, "degrees"),
        (r#"{"op":"horizontal_flip","probability":1.5}"#, "probability"),
        (r#"{"op":"gaussian_blur","kernel_size":4,"sigma":[1,2],"probability":1}"#, "kernel_size"),
        (r#"{"op":"gaussian_blur","sigma":[0,2],"probability":1}"#, "sigma"),
        (r#"{"op":"solarize","threshold":2,"probability":1}"#, "threshold"),
        (r#"{"op":"posterize","bits":9,"probability":1}"#, "bits"),
        (r#"{"op":"cutout","size":8,"fill":2,"probability":1}"#, "fill"),
        (r#"{"op":"random_erasing","area":[0,1],"aspect":[1,1],"fill":0,"probability":1}"#, "area"),
        (
            r#"{"op":"random_erasing","area":[1,1],"aspect":[2,1],"fill":0,"probability":1}"#,
            "aspect",
        ),
        (r#"{"op":"channel_dropout","fill":-1,"probability":1}"#, "fill"),
    ];
    let jitter = |field: &str| {
        let value = |of| if of == field { -1 } else { 0 };
        let fields = ["brightness", "contrast", "saturation", "hue"];
        let fields = fields.map(|of| format!(r#""{of}":{}"#, value(of))).join(",");
        format!(r#"{{"op":"color_jitter",{fields},"probability":1}}"#)
    };
    let fields =
        ["brightness", "contrast", "saturation", "hue"].map(|field| (jitter(field), field));
    let wrong = wrong.map(|(text, field)| (text.to_owned(), field)).into_iter().chain(fields);
    for (text, named) in wrong {
        let mut recipe = Recipe::simclr_cifar();
        recipe.views[1].push(serde_json::from_str(&text).unwrap());
        match recipe.validate().unwrap_err() {
            RecipeError::Range { view: 1, operator: 4, field, .. } => assert_eq!(field, named),
            other => panic!("{text}: {other}"),
        }
    }
}

#[test]
fn jitter_in_fixed_order_adds_brightness() {
    let jitter = Operator::from(ColorJitter {
        brightness: 0.5,
        contrast: 0.0,
        saturation: 0.0,
        hue: 0.0,
        convention: JitterConvention::TensorFlowAdded,
        probability: 1.0,
    });
    let (mut rng, mut sum) = (key(0, 0).rng(), 0.0);
    for _ in 0..1_000 {
        let PlanStep::Pixels([Some(brightness), rest @ ..]) = jitter.draw([8, 8], &mut rng) else {
            panic!("a jitter")
        };
        let PixelOp::AddBrightness(shift) = brightness else { panic!("brightness first") };
        assert!((-0.5..=0.5).contains(&shift));
        sum += f64::from(shift) / 1_000.0;
        let want = [PixelOp::ChannelContrast(1.0), PixelOp::HsvSaturation(1.0), PixelOp::Hue(0.0)];
        assert_eq!(rest, want.map(Some));
    }
    // The mean of uniform draws, within four standard errors.
    assert!(sum.abs() < 4.0 / 12_f64.sqrt() / 1_000_f64.sqrt(), "{sum}");
}

#[test]
fn a_turn_inside_the_image_is_that_of_imageproc() {
    use imageproc::geometric_transformations::{
        Border as Beyond, Interpolation as Between, rotate,
    };
    let image = smooth(41, 33).into_rgb8();
    let degrees = 25.0_f64;
    let middle = (20.0, 16.0);
    let theta = -degrees.to_radians() as f32;
    let black = Beyond::Constant(Rgb([0, 0, 0]));
    let want = rotate(&image, middle, theta, Between::Bilinear, black);
    let mut turned = PlanarImage::from_image(&image.into());
    selfsame_augment::rotate(&mut turned, degrees, &mut PlanarImage::default());
    let found = turned.to_image();
    for (x, y, pixel) in want.enumerate_pixels() {
        if (f32::from(x as u16) - 20.0).hypot(f32::from(y as u16) - 16.0) < 14.0 {
            let other = found.get_pixel(x, y);
            // imageproc rounds down after each of two steps.
            let close = (0..3).all(|c| pixel[c].abs_diff(other[c]) <= 2);
            assert!(close, "at {x}, {y}: {pixel:?} and {other:?}");
        }
    }
}

fn any_resampling() -> impl Strategy<Value = Resampling> {
    (any::<bool>(), any::<bool>()).prop_map(|(cubic, antialias)| {
        let interpolation = if cubic { Interpolation::Bicubic } else { Interpolation::Bilinear };
        Resampling { interpolation, antialias }
    })
}

fn any_operator() -> impl Strategy<Value = Operator> {
    let p = 0.7;
    let crop = (1_u32..40, any_resampling()).prop_map(|(size, resampling)| -> Operator {
        RandomResizedCrop { size, area: [0.1, 1.0], aspect: [0.5, 2.0], resampling }.into()
    });
    let window =
        (1_u32..40, 0_u32..9, any::<bool>()).prop_map(|(size, padding, zero)| -> Operator {
            let border = if zero { Border::Zero } else { Border::Reflect };
            PadCrop { size, padding, border }.into()
        });
    let conventions = [
        JitterConvention::Torchvision,
        JitterConvention::TensorFlow,
        JitterConvention::TensorFlowAdded,
    ];
    let jitter =
        prop::sample::select(conventions.to_vec()).prop_map(move |convention| -> Operator {
            let (brightness, contrast, saturation, hue) = (0.4, 0.4, 0.4, 0.1);
            ColorJitter { brightness, contrast, saturation, hue, convention, probability: p }.into()
        });
    prop_oneof![
        crop,
        window,
        jitter,
        (1_u32..40, any_resampling())
            .prop_map(|(size, resampling)| Operator::from(Resize { size, resampling })),
        (1_u32..40).prop_map(|size| Operator::from(CenterCrop { size })),
        Just(Operator::from(HorizontalFlip { probability: p })),
        Just(Operator::from(VerticalFlip { probability: p })),
        Just(Operator::from(Rotation { degrees: 90.0, probability: p })),
        Just(Operator::from(Grayscale { probability: p })),
        Just(Operator::from(GaussianBlur {
            kernel_size: Some(9),
            sigma: [0.1, 2.0],
            probability: p
        })),
        Just(Operator::from(Solarize { threshold: 0.5, probability: p })),
        Just(Operator::from(Equalize { probability: p })),
        Just(Operator::from(Posterize { bits: 5, probability: p })),
        Just(Operator::from(RandomErasing {
            area: [0.02, 0.4],
            aspect: [0.3, 3.3],
            fill: 0.5,
            probability: p
        })),
        Just(Operator::from(Cutout { size: 5, fill: 0.0, probability: p })),
        Just(Operator::from(ChannelDropout { fill: 0.0, probability: p })),
    ]
}

#[test]
fn a_blur_also_normalizes_and_a_gray_one_is_done_once() {
    let image = smooth(40, 30);
    for gray in [0.0, 1.0] {
        for sigma in [0.05, 0.4, 1.9] {
            let blur: Operator =
                GaussianBlur { kernel_size: Some(9), sigma: [sigma; 2], probability: 1.0 }.into();
            let views = vec![vec![
                CenterCrop { size: 28 }.into(),
                Grayscale { probability: gray }.into(),
                blur,
            ]];
            let recipe = Recipe { views, ..Recipe::simclr_cifar() };
            let plan = recipe.plan(key(0, 0), [30, 40]);
            let mut planar = PlanarImage::from_image(&image);
            for step in &plan.steps {
                step.apply(&mut planar, &mut Scratch::default());
            }
            let (mut want, mut out) = (vec![0.0; 3 * 28 * 28], vec![f32::NAN; 3 * 28 * 28]);
            recipe.normalize.write(&planar, &mut want);
            recipe.write_view(&image, key(0, 0), &mut Scratch::default(), &mut out);
            let close = out.iter().zip(&want).all(|(a, b)| (a - b).abs() < 1e-5);
            assert!(close, "gray {gray}, sigma {sigma}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    /// Compares the passes of `write_view` with one operator after the other.
    #[test]
    fn operators_in_any_order_make_what_they_make_one_by_one(
        operators in prop::collection::vec(any_operator(), 0..7),
        first in (1_u32..40).prop_map(|size| Operator::from(CenterCrop { size })),
        last in any::<bool>(),
        sides in (1_u32..50, 1_u32..50),
        sample in 0_u64..1_000,
        normalize in prop_oneof![Just(Normalize::NONE), Just(Normalize::CIFAR)],
    ) {
        let mut operators = operators;
        operators.insert(if last { operators.len() } else { 0 }, first);
        let views = vec![operators];
        let recipe = Recipe { views, ..Recipe::simclr_cifar() }.with_normalize(normalize);
        recipe.validate().unwrap();
        let image = smooth(sides.0, sides.1);
        let plan = recipe.plan(key(sample, 0), [sides.1 as usize, sides.0 as usize]);
        let mut want = PlanarImage::from_image(&image);
        for step in &plan.steps {
            step.apply(&mut want, &mut Scratch::default());
        }
        let mut out = vec![f32::NAN; want.data.len()];
        recipe.write_view(&image, key(sample, 0), &mut Scratch::default(), &mut out);
        let found = normalize.undo(&out, want.height, want.width);
        // Not the largest difference: rounding may move a sample from one level to the next.
        let apart = found.data.iter().zip(&want.data).map(|(a, b)| (a - b).abs()).sum::<f32>();
        prop_assert!(apart / out.len() as f32 <= 2e-3, "{} for {:?}", apart, plan);
    }

    #[test]
    fn mirroring_twice_is_nothing_and_half_a_turn_mirrors_both_ways(
        sides in (1_usize..20, 1_usize..20),
        seed in 0_u64..100,
    ) {
        let (height, width) = sides;
        let mut rng = key(seed, 0).rng();
        let data = (0..3 * height * width).map(|_| rng.random()).collect();
        let image = PlanarImage { height, width, data };
        let mut twice = image.clone();
        horizontal_flip(&mut twice);
        horizontal_flip(&mut twice);
        prop_assert_eq!(&twice, &image);
        vertical_flip(&mut twice);
        prop_assert!(height == 1 || twice != image);
        vertical_flip(&mut twice);
        prop_assert_eq!(&twice, &image);
        rotate(&mut twice, 180.0, &mut PlanarImage::default());
        horizontal_flip(&mut twice);
        vertical_flip(&mut twice);
        let close = twice.data.iter().zip(&image.data).all(|(a, b)| (a - b).abs() < 1e-4);
        prop_assert!(close);
    }

    #[test]
    fn scratch_keeps_nothing(samples in prop::collection::vec(0_u64..1_000, 1..5)) {
        let mut scratch = Scratch::default();
        for recipe in [Recipe::swav_cifar(), Recipe::byol_cifar(), Recipe::evaluation(32)] {
            for sample in &samples {
                let image = smooth(33 + (*sample as u32 % 7), 40);
                let mut out = vec![f32::NAN; 3 * 32 * 32];
                recipe.write_view(&image, key(*sample, 0), &mut scratch, &mut out);
                prop_assert_eq!(&out, &view(&recipe, &image, key(*sample, 0)));
            }
        }
    }
}
