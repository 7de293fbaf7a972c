//! `report.html`: the results of a run for people, in one file.

use selfsame::callbacks::History;
use selfsame::report::{LineChart, NeighborSheet, Page, Png, Series};

use crate::findings::{Counts, Findings};
use crate::settings::Settings;

/// Curves of the training, as the history names them and as their charts do.
const CURVES: [(&str, &str); 8] = [
    ("loss", "loss"),
    ("invariance", "invariance term of the loss"),
    ("variance", "variance term of the loss"),
    ("covariance", "covariance term of the loss"),
    ("knn", "kNN accuracy on held-out training images"),
    ("embedding_std", "standard deviation of the embedding"),
    ("rankme", "effective rank of the embedding"),
    ("learning_rate", "learning rate"),
];

pub(crate) fn page(
    settings: &Settings,
    findings: &Findings,
    history: &History,
    views: &Png,
    neighbors: &NeighborSheet,
) -> anyhow::Result<Page> {
    let method = settings.method.title();
    let mut page = Page::new(&format!("{method} on {}", settings.data_name()));
    page.paragraph(&introduction(settings, findings));
    page.heading("Accuracy");
    match &findings.accuracy {
        Some(accuracy) => {
            page.table(&accuracy.table());
            page.paragraph(
                "With 10 labels per class: mean and standard deviation over three label samples.",
            );
        }
        None => {
            page.paragraph(findings.note.as_deref().unwrap_or_default());
        }
    }
    page.heading("Training");
    page.charts(&charts(method, history));
    page.paragraph(&format!(
        "Embeddings that are spread evenly have a standard deviation near {:.3}; at 0 the encoder \
         has collapsed and cannot tell images apart.",
        findings.health.uniform_std
    ));
    page.heading("Images and their two views");
    page.image(views, "Images, each with two augmented views");
    page.heading("Nearest neighbors");
    page.paragraph(
        "On the left a query, then the training images whose features are most similar to its own.",
    );
    page.neighbors(neighbors);
    page.heading("Settings").preformatted(&serde_json::to_string_pretty(settings)?);
    page.heading("Views").preformatted(&settings.recipe().to_string());
    Ok(page)
}

fn introduction(settings: &Settings, findings: &Findings) -> String {
    let Counts { skipped, omitted, .. } = findings.images;
    let left = match skipped + omitted {
        0 => String::new(),
        _ => {
            format!(
                " {skipped} images were skipped, as they cannot be read; {omitted} other files were omitted."
            )
        }
    };
    format!(
        "{} images without labels, {} epochs, {} images per step, seed {}; pre-training took \
         {:.0} s at {:.0} images per second.{left}",
        findings.images.train,
        findings.epochs,
        settings.batch_size,
        findings.seed,
        findings.seconds.pretrain,
        findings.images_per_second,
    )
}

/// One chart for every curve that was recorded.
fn charts(method: &str, history: &History) -> Vec<LineChart> {
    let curves = CURVES.into_iter().map(|(name, title)| (title, history.series(name)));
    let chart = |(title, points): (&str, Vec<(f64, f64)>)| LineChart {
        title: title.to_owned(),
        x_label: "epoch".to_owned(),
        series: vec![Series { name: method.to_owned(), points }],
    };
    curves.filter(|(_, points)| !points.is_empty()).map(chart).collect()
}
