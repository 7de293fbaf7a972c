//! A page of 2,000 images with every part: its size, its bytes, its structure.
//!
//! With `SELFSAME_REPORT_OUT` the page is written there, for a browser. With
//! `SELFSAME_REPORT_IMAGES`, a folder with a folder of images for each class, it shows those.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may panic, and reads small values"
)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use image::{DynamicImage, Rgb, RgbImage};
use selfsame_metrics::{Distance, Features, NearestNeighbors, Neighbors, covariance_spectrum};
use selfsame_report::{
    BarChart, ConfusionChart, Estimate, FewLabels, Gallery, GalleryItem, HealthCard, HealthLevel,
    LineChart, MapConfig, MapMethod, Page, Series, SpectrumChart, Table, spread_over_classes,
};

const IMAGES: usize = 2_000;
const CLASSES: usize = 10;
/// Must not end the script that holds the names, nor an attribute, nor a title.
const HOSTILE: &str = "</script><img src=x onerror=\"alert('1')\">";

/// Images with their names and classes.
struct Samples {
    classes: Vec<String>,
    images: Vec<(PathBuf, DynamicImage, usize)>,
}

/// A class is a hue and a number of stripes; noise makes the images as hard to pack as photographs.
fn drawn(count: usize) -> Samples {
    let mut state = 7_u32;
    let mut random = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32
    };
    let image = |index: usize| {
        let class = index % CLASSES;
        let (phase, angle) = (random() * 6.0, class as f32 * 0.6 + 0.4 * random());
        let (sin, cos) = angle.sin_cos();
        let image = RgbImage::from_fn(96, 80, |x, y| {
            let (x, y) = (x as f32 / 96.0 - 0.5, y as f32 / 80.0 - 0.5);
            let wave = ((x * cos + y * sin) * (12.0 + 4.0 * class as f32) + phase).sin();
            let channel = |shift: f32, noise: f32| {
                let tint = (class as f32 * 0.63 + shift).sin();
                (128.0 + 50.0 * wave + 50.0 * tint + 40.0 * (noise - 0.5)) as u8
            };
            Rgb([channel(0.0, random()), channel(2.1, random()), channel(4.2, random())])
        });
        (PathBuf::from(format!("class{class}/{index}{HOSTILE}.png")), image.into(), class)
    };
    let mut classes: Vec<String> = (0..CLASSES).map(|class| format!("stripes {class}")).collect();
    HOSTILE.clone_into(&mut classes[3]);
    Samples { images: (0..count).map(image).collect(), classes }
}

/// The same number of images of each folder.
fn photographs(folder: &Path, count: usize) -> Samples {
    let sorted = |folder: &Path| {
        let entries = fs::read_dir(folder).unwrap();
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        paths
    };
    let folders: Vec<PathBuf> = sorted(folder).into_iter().filter(|path| path.is_dir()).collect();
    let each = count.div_ceil(folders.len());
    let mut images = Vec::new();
    for (class, folder) in folders.iter().enumerate() {
        for path in sorted(folder).into_iter().take(each) {
            let image = image::open(&path).unwrap();
            images.push((path.file_name().unwrap().into(), image, class));
        }
    }
    images.truncate(count);
    let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
    Samples { classes: folders.iter().map(name).collect(), images }
}

/// Colors of 8 × 8 areas: a poor encoder, but a real one.
fn features(samples: &Samples) -> Features {
    let areas = |(_, image, _): &(PathBuf, DynamicImage, usize)| {
        let values = image.thumbnail_exact(8, 8).to_rgb8().into_raw();
        values.into_iter().map(|value| f32::from(value) - 128.0).collect::<Vec<f32>>()
    };
    Features::new(192, samples.images.iter().flat_map(areas).collect()).unwrap()
}

fn page(samples: &Samples, method: MapMethod) -> Page {
    let features = features(samples);
    let search = NearestNeighbors::new(&features, Distance::Cosine).unwrap();
    let neighbors = search.search_others(12).unwrap();
    let labels: Vec<usize> = samples.images.iter().map(|sample| sample.2).collect();
    let nearest = |row: usize| labels[neighbors.indices(row)[0] as usize];
    let predicted: Vec<usize> = (0..labels.len()).map(nearest).collect();
    let mut gallery = Gallery::new(&samples.classes);
    for ((name, image, label), prediction) in samples.images.iter().zip(&predicted) {
        let (label, prediction) = (Some(*label), Some(*prediction));
        gallery.push(GalleryItem { image, name, label, prediction }).unwrap();
    }
    let mut page = Page::new("Every part of a report");
    page.paragraph(
        "Features are the colors of 8 × 8 areas; predictions are the classes of the nearest image. \
         Curves, few labels and health are made up.",
    );
    page.gallery(&gallery).unwrap();
    page.heading("Map");
    let map = MapConfig { method, ..MapConfig::default() }.map(&features).unwrap();
    page.map(&map, &neighbors).unwrap();
    figures(&mut page, &features);
    confusions(&mut page, &samples.classes, &labels, &predicted);
    sheet(&mut page, &labels, &neighbors);
    let settings = serde_json::to_string_pretty(&MapConfig::default()).unwrap();
    page.heading("Settings").preformatted(&settings);
    page
}

fn figures(page: &mut Page, features: &Features) {
    page.heading("Training");
    let curve = |name: &str, base: f64| Series {
        name: name.into(),
        points: (1..=40).map(|epoch| (f64::from(epoch), base + 3.0 / f64::from(epoch))).collect(),
    };
    let chart =
        |title: &str, series| LineChart { title: title.into(), x_label: "epoch".into(), series };
    page.charts(&[
        chart("loss", vec![curve("SimCLR", 1.0), curve("VICReg", 1.8)]),
        chart("kNN accuracy", vec![curve("SimCLR", 0.2)]),
        chart("learning rate", vec![curve("", 0.0)]),
    ]);
    page.heading("Few labels");
    let mut few = FewLabels::new(["linear probe", "nearest class mean", "kNN"]);
    for (step, each) in [1_usize, 2, 5, 10, 25, 100].into_iter().enumerate() {
        let estimate = |base: f64| {
            let mean = base + 0.1 * step as f64;
            Some(Estimate { mean, low: mean - 0.05, high: mean + 0.04 })
        };
        let row = [estimate(0.3), estimate(0.25), estimate(0.2)];
        few.row(&format!("{each} per class"), each * CLASSES, row).unwrap();
    }
    page.few_labels(&few);
    page.heading("Health");
    let mut card =
        HealthCard::new(HealthLevel::Warning, "partly collapsed: few directions are used");
    card.advice("Raise the weight of the variance or covariance term, or train longer.");
    card.figure("embedding std", "0.051", "0.072 if spread evenly; 0 if collapsed");
    card.figure("effective rank", "21.4", "of 192; higher is better");
    page.health(&card);
    let spectra = vec![(String::new(), covariance_spectrum(features).unwrap())];
    page.spectrum(&SpectrumChart { title: "covariance spectrum".into(), spectra });
    let mut table = Table::new(["wide", "a", "b", "c", "d", "e", "f", "g", "h"]);
    table.row(["row"].into_iter().chain(["a wide cell"; 8]));
    page.table(&table);
}

fn confusions(page: &mut Page, classes: &[String], labels: &[usize], predicted: &[usize]) {
    let mut counts = vec![0; classes.len() * classes.len()];
    for (label, prediction) in labels.iter().zip(predicted) {
        counts[label * classes.len() + prediction] += 1;
    }
    page.heading("Confusion");
    let chart = ConfusionChart::new("nearest image", classes, &counts).unwrap();
    page.confusion(&chart);
    page.heading("Most confused").confused_pairs(&chart, 8).unwrap();
    let share = |(class, name): (usize, &String)| {
        let samples: usize = counts[class * classes.len()..][..classes.len()].iter().sum();
        (name.clone(), counts[class * (classes.len() + 1)] as f64 / samples as f64)
    };
    let bars = classes.iter().enumerate().map(share).collect();
    page.bars(&BarChart { title: "accuracy of each class".into(), bars });
}

fn sheet(page: &mut Page, labels: &[usize], neighbors: &Neighbors) {
    page.heading("Nearest neighbors");
    let classes = labels.iter().max().unwrap() + 1;
    page.class_neighbors(&spread_over_classes(labels, classes), neighbors, 10).unwrap();
}

#[test]
fn two_thousand_images_take_less_than_five_megabytes() {
    let samples = match env::var_os("SELFSAME_REPORT_IMAGES") {
        Some(folder) => photographs(Path::new(&folder), IMAGES),
        None => drawn(IMAGES),
    };
    let method = match env::var("SELFSAME_REPORT_MAP").as_deref() {
        Ok("t-sne") => MapMethod::Tsne { perplexity: 30.0 },
        Ok("umap") => MapMethod::Umap { neighbors: 15, min_dist: 0.1 },
        _ => MapMethod::Pca,
    };
    let html = page(&samples, method).to_string();
    assert!(html.len() < 5_000_000, "{} bytes", html.len());
    assert_eq!(html.matches("data:image").count(), 1, "each image is stored once");
    if let Some(path) = env::var_os("SELFSAME_REPORT_OUT") {
        fs::write(path, html).unwrap();
    }
}

#[test]
fn the_same_page_is_the_same_bytes() {
    let samples = drawn(120);
    let method = MapMethod::Tsne { perplexity: 10.0 };
    assert!(page(&samples, method).to_string() == page(&samples, method).to_string());
}

#[test]
fn names_from_outside_end_no_script_and_open_no_element() {
    let html = page(&drawn(40), MapMethod::Pca).to_string();
    // The gallery's data, those of the map and the confusion, and the script.
    assert_eq!(html.matches("<script").count(), 4);
    assert_eq!(html.matches("</script").count(), 4);
    assert!(!html.contains("<img"), "only escaped");
    assert!(html.contains("\\u003c/script>\\u003cimg src=x onerror=\\\"alert('1')\\\">"));
    let start = html.find("id=gallery>").unwrap() + "id=gallery>".len();
    let json = &html[start..][..html[start..].find("</script").unwrap()];
    let data: serde_json::Value = serde_json::from_str(json).unwrap();
    assert_eq!(data["classes"][3], HOSTILE);
    assert_eq!(data["names"].as_array().unwrap().len(), 40);
}

#[test]
fn every_image_of_the_map_has_a_point_and_its_neighbors() {
    let html = page(&drawn(60), MapMethod::Pca).to_string();
    let map = &html[html.find("<figure class=map>").unwrap()..];
    let map = &map[..map.find("</figure>").unwrap()];
    assert_eq!(map.matches("h0").count(), 60);
    let start = map.find("application/json\">").unwrap() + "application/json\">".len();
    let data = &map[start..map.find("</script>").unwrap()];
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["near"].as_array().unwrap().len(), 60);
    assert_eq!(data["near"][0].as_array().unwrap().len(), 12);
    assert!(map.contains("trustworthiness") && map.contains("of the variance"));
}
