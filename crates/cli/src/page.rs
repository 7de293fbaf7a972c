//! `report.html`: the results of a run for people, in one file.

use std::path::Path;

use anyhow::Context;
use selfsame::augment::view_grid;
use selfsame::files::write_atomically;
use selfsame::report::{HealthCard, HealthLevel, Page, Png, SpectrumChart};

use crate::charts::charts;
use crate::curves::Curves;
use crate::evaluation::Evaluation;
use crate::exhibit::Exhibit;
use crate::findings::{Counts, FeatureHealth, Findings, class_accuracies, class_table};
use crate::images::Images;
use crate::settings::Settings;

/// Images that are shown with their views.
const SHOWN: usize = 8;

/// Returns images with their views, as the encoder sees them.
pub(crate) fn views(settings: &Settings, images: &Images) -> anyhow::Result<Png> {
    let shown = view_grid(&images.sample(SHOWN)?, &settings.recipe, settings.seed);
    Ok(Png::encode(&shown)?)
}

/// Writes the page of the run in `folder` to `out`.
pub(crate) fn write_page(
    folder: &Path,
    out: &Path,
    settings: &Settings,
    findings: &Findings,
    images: &Images,
    exhibit: &Exhibit<'_>,
) -> anyhow::Result<()> {
    let method = settings.method.name().title();
    let name = settings.data.name();
    let mut page = Page::new(&format!("{method} on {name}"));
    page.paragraph(&introduction(settings, findings));
    accuracy(&mut page, findings);
    for evaluation in Evaluation::load_all(folder)? {
        add_evaluation(&mut page, &evaluation)?;
    }
    health(&mut page, &findings.features);
    page.heading("Training");
    page.charts(&charts(&[(method.to_owned(), Curves::load(folder))]));
    page.paragraph(&format!(
        "Embeddings that are spread evenly have a standard deviation near {:.3}; at 0 the encoder \
         has collapsed and cannot tell images apart.",
        findings.health.uniform_std
    ));
    page.heading("Images and their views");
    page.image(&views(settings, images)?, "Images, each with its augmented views");
    exhibit.add_to(&mut page)?;
    page.heading("Settings").preformatted(&shown_settings(settings)?);
    page.heading("Views").preformatted(&settings.recipe.to_string());

    write_atomically(out, page.to_string().as_bytes())
        .with_context(|| format!("cannot write {}", out.display()))
}

fn introduction(settings: &Settings, findings: &Findings) -> String {
    let Counts { train, test, skipped, omitted } = findings.images;
    let left = match skipped + omitted {
        0 => String::new(),
        _ => format!(
            " {skipped} images were skipped, as they cannot be read; {omitted} other files were \
             omitted."
        ),
    };
    let tested = match test {
        0 => String::new(),
        _ => format!(" Tested on {test} images."),
    };
    format!(
        "{train} images without labels, {} epochs, {} images per step, seed {}; pre-training took \
         {:.0} s at {:.0} images per second.{tested}{left}",
        findings.epochs,
        settings.batch_size,
        findings.seed,
        findings.seconds.pretrain,
        findings.images_per_second,
    )
}

fn accuracy(page: &mut Page, findings: &Findings) {
    page.heading("Accuracy");
    if let Some(knn) = findings.knn {
        page.paragraph(&format!(
            "Accuracy of 20 nearest neighbors: {:.1} % before training, {:.1} % after.",
            100.0 * knn.before,
            100.0 * knn.after
        ));
    }
    if let Some(accuracy) = &findings.accuracy {
        page.table(&accuracy.table());
        if accuracy.labels_10.is_some() {
            page.paragraph(
                "With 10 labels per class: mean and standard deviation over three label samples. The \
                 neighbor-mean probe is a linear probe of features that are averaged over the 20 \
                 nearest training images, which need no labels for that.",
            );
        }
    }
    if !findings.classes.is_empty() {
        page.table(&class_table(&findings.classes, "linear probe, all labels"));
    }
    for note in findings.note.iter().chain(&findings.warnings) {
        page.paragraph(note);
    }
}

fn add_evaluation(page: &mut Page, evaluation: &Evaluation) -> anyhow::Result<()> {
    let kind = if evaluation.is_transfer { "Transfer to" } else { "Evaluation on" };
    page.heading(&format!("{kind} {}", evaluation.data));
    page.paragraph(&format!(
        "{} labeled images for training, {} for testing, {} classes; the linear probe is that of \
         {}.",
        evaluation.train,
        evaluation.test,
        evaluation.classes.len(),
        evaluation.protocol
    ));
    page.table(&evaluation.table());
    if !evaluation.few.is_empty() {
        page.few_labels(&evaluation.few_labels()?);
        page.paragraph("Means over label samples, with their 95 % confidence intervals.");
    }
    let classes = class_accuracies(&evaluation.classes, &evaluation.probe.classes);
    page.table(&class_table(&classes, &format!("linear probe of {}", evaluation.protocol)));
    Ok(())
}

/// Adds the verdict on the features, the figures behind it, and their spectrum.
fn health(page: &mut Page, health: &FeatureHealth) {
    page.heading("Health");
    let level = if health.is_healthy { HealthLevel::Good } else { HealthLevel::Bad };
    let mut card = HealthCard::new(level, &health.verdict);
    let figures = [
        ("features' std", health.std, format!("{:.3} if spread evenly", health.uniform_std)),
        ("uniformity", health.uniformity, "−4 if spread evenly; lower is more even".to_owned()),
        (
            "RankMe",
            health.rankme,
            format!("effective rank, at most {}", health.dim.min(health.rows)),
        ),
        ("α-ReQ", health.alpha_req, "decay of the spectrum; near 1 is usual".to_owned()),
        ("NESum", health.nesum, format!("evenness of the spectrum, at most {}", health.dim)),
        ("CLID", health.clid, "clusters that can be learned; higher is better".to_owned()),
    ];
    for (name, value, reading) in figures {
        let value = value.map_or_else(|| "–".to_owned(), |value| format!("{value:.3}"));
        card.figure(name, &value, &reading);
    }
    card.figure("dead units", &health.dead_units.to_string(), &format!("of {}", health.dim));
    page.health(&card);
    page.spectrum(&SpectrumChart {
        title: "eigenvalues of the features' covariance".to_owned(),
        spectra: vec![("features".to_owned(), health.spectrum.clone())],
    });
}

/// Returns the settings for a page, without paths, which would tell about the machine.
fn shown_settings(settings: &Settings) -> anyhow::Result<String> {
    let settings = settings.without_paths();
    let mut tree = serde_json::to_value(settings)?;
    if let Some(tree) = tree.as_object_mut() {
        tree.remove("recipe"); // it has its own part
    }
    Ok(serde_json::to_string_pretty(&tree)?)
}
