//! What a run leaves to be read: a page for people, a file for programs, a table for the terminal.

use std::fmt::Write as _;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::codecs::png::PngEncoder;
use image::{DynamicImage, RgbImage};
use selfsame::callbacks::History;
use selfsame::metrics::Summary;
use selfsame::metrics::plot::{Series, line_chart};
use serde::Serialize;

use crate::proof::{Accuracy, Neighbors, Row};
use crate::settings::Settings;

/// `result.json`.
#[derive(Debug, Serialize)]
pub(crate) struct Findings {
    pub method: String,
    pub data: String,
    pub seed: u64,
    pub device: &'static str,
    pub epochs: u64,
    pub seconds: Seconds,
    pub images_per_second: f64,
    /// `None` where there are no labels.
    pub knn: Option<BeforeAfter>,
    pub health: Health,
    pub accuracy: Option<Accuracy>,
    /// Why there is no accuracy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    pub images: Counts,
    pub versions: Versions,
}

#[derive(Debug, Serialize)]
pub(crate) struct Seconds {
    pub pretrain: f64,
    pub total: f64,
}

#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct BeforeAfter {
    pub before: f64,
    pub after: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Health {
    pub std: f64,
    pub uniform_std: f64,
}

#[derive(Debug, Serialize)]
pub(crate) struct Counts {
    pub train: usize,
    pub test: usize,
    pub skipped: usize,
}

#[derive(Debug, Serialize)]
pub(crate) struct Versions {
    pub selfsame: &'static str,
    pub burn: &'static str,
}

/// What was found, for the terminal.
pub(crate) fn summary(findings: &Findings) -> String {
    let mut text = String::new();
    if let Some(BeforeAfter { before, after }) = findings.knn {
        let (before, after) = (100.0 * before, 100.0 * after);
        let _ = writeln!(text, "20-NN accuracy {before:.1} % before training, {after:.1} % after");
    }
    match &findings.accuracy {
        Some(accuracy) => text.push_str(&table(accuracy)),
        None => text.push_str(findings.note.as_deref().unwrap_or_default()),
    }
    text
}

fn table(accuracy: &Accuracy) -> String {
    let mut text =
        format!("{:<34}{:>20}{:>14}\n", "test accuracy", "10 labels per class", "all labels");
    for (name, few, all) in rows(accuracy) {
        let _ = writeln!(text, "{name:<34}{:>20}{:>14}", percent(few), percent(all));
    }
    text
}

fn rows(accuracy: &Accuracy) -> Vec<(&'static str, Summary, Summary)> {
    let Accuracy { labels_10: few, labels_all: all } = accuracy;
    let mut rows = vec![
        ("linear probe, pre-trained encoder", few.pretrained, all.pretrained),
        ("linear probe, random encoder", few.random, all.random),
    ];
    if let (Row { scratch: Some(few), .. }, Row { scratch: Some(all), .. }) = (few, all) {
        rows.push(("trained from scratch", *few, *all));
    }
    rows
}

/// Spread only where there is more than one run.
fn percent(summary: Summary) -> String {
    let mean = 100.0 * summary.mean;
    if summary.std > 0.0 {
        format!("{mean:.1} ± {:.1} %", 100.0 * summary.std)
    } else {
        format!("{mean:.1} %")
    }
}

/// An image as the bytes of a PNG file.
pub(crate) fn png(image: &RgbImage) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    image.write_with_encoder(PngEncoder::new(&mut bytes))?;
    Ok(bytes)
}

/// `report.html`: everything in one file, nothing to fetch.
pub(crate) fn page(
    settings: &Settings,
    findings: &Findings,
    history: &History,
    views: &[u8],
    neighbors: &Neighbors,
) -> anyhow::Result<String> {
    let mut html = String::from(HEAD);
    let title = format!("{} on {}", settings.method.title(), settings.data_name());
    let _ = write!(html, "<h1>{}</h1>", escape(&title));
    let _ = write!(
        html,
        "<p>{} images without labels, {} epochs of {} images a step, seed {}, {:.0} images a \
         second; pre-training took {:.0} s.</p>",
        findings.images.train,
        findings.epochs,
        settings.batch_size,
        findings.seed,
        findings.images_per_second,
        findings.seconds.pretrain,
    );
    html.push_str("<h2>What the features are worth</h2>");
    match &findings.accuracy {
        Some(accuracy) => html.push_str(&accuracy_table(accuracy)),
        None => {
            let _ = write!(html, "<p>{}</p>", escape(findings.note.as_deref().unwrap_or_default()));
        }
    }
    html.push_str("<h2>How training went</h2><div class=charts>");
    let curves = [
        ("loss", "loss"),
        ("knn", "kNN accuracy"),
        ("embedding_std", "std of the embedding"),
        ("learning_rate", "learning rate"),
    ];
    for (name, title) in curves {
        let points = history.series(name);
        if !points.is_empty() {
            let series = [Series { name: settings.method.title().to_owned(), points }];
            let _ = write!(html, "<figure>{}</figure>", line_chart(title, "epoch", &series));
        }
    }
    let _ = write!(
        html,
        "</div><p>A healthy std is near {:.3}; 0 would mean that all images look the same to the \
         encoder.</p><h2>Images and their two views</h2>{}",
        findings.health.uniform_std,
        inline(views, "Images, each with two augmented views"),
    );
    html.push_str("<h2>Nearest neighbors</h2><p>Left an image, then the training images whose features are most alike.</p><table class=near>");
    for (image, near) in &neighbors.0 {
        let cells: String = std::iter::once(image)
            .chain(near)
            .map(|image| Ok(format!("<td>{}</td>", inline(&thumbnail(image)?, ""))))
            .collect::<anyhow::Result<_>>()?;
        let _ = write!(html, "<tr>{cells}</tr>");
    }
    let _ = write!(
        html,
        "</table><h2>Settings</h2><pre>{}</pre><h2>Views</h2><pre>{}</pre>",
        escape(&serde_json::to_string_pretty(settings)?),
        escape(&settings.recipe().to_string()),
    );
    html.push_str("</main>\n");
    Ok(html)
}

fn accuracy_table(accuracy: &Accuracy) -> String {
    let mut body = String::new();
    for (name, few, all) in rows(accuracy) {
        let _ = write!(body, "<tr><th>{name}<td>{}<td>{}", percent(few), percent(all));
    }
    format!(
        "<table><tr><th>test accuracy<th>10 labels per class<th>all labels{body}</table>\
         <p>With 10 labels per class, the mean of three draws of labels and its standard deviation.</p>"
    )
}

fn thumbnail(image: &DynamicImage) -> anyhow::Result<Vec<u8>> {
    png(&image.thumbnail_exact(64, 64).to_rgb8())
}

fn inline(png: &[u8], text: &str) -> String {
    format!("<img alt=\"{text}\" src=\"data:image/png;base64,{}\">", STANDARD.encode(png))
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

const HEAD: &str = "<!doctype html><html lang=en><meta charset=utf-8><title>selfsame</title>
<meta name=viewport content=\"width=device-width\">
<style>
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
main { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; }
th, td { padding: .3rem .8rem; text-align: right; border-bottom: 1px solid #8884; }
th:first-child { text-align: left; }
.near td { padding: .1rem; border: 0; }
.near td:first-child { padding-right: 1.2rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(20rem, 1fr)); }
figure { margin: .5rem; }
img { image-rendering: pixelated; max-width: 100%; }
pre { overflow-x: auto; padding: .8rem; background: #8882; }
</style><main>";
