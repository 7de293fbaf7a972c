//! The images that a report shows, with their features and what is predicted of them.

use std::path::Path;
use std::sync::Arc;

use selfsame::datasets::Dataset;
use selfsame::metrics::{ConfusionMatrix, Distance, Features, NearestNeighbors};
use selfsame::report::{
    ConfusionChart, Gallery, GalleryItem, MapConfig, Page, spread_over_classes,
};

use crate::features::ImageFeatures;
use crate::images::Images;

/// Images in a report at most.
const MOST: usize = 2_000;
/// Neighbors of an image on the map, and on the sheet of neighbors.
const NEIGHBORS: usize = 24;
const ON_SHEET: usize = 8;
/// Rows of the sheet, if there are no classes or many.
const ROWS: usize = 20;
/// Pairs of classes that are confused most often.
const PAIRS: usize = 8;

/// The images of a report: test images, or some of the training images if there are no labels.
pub(crate) struct Exhibit<'a> {
    dataset: &'a Arc<dyn Dataset>,
    indices: Vec<usize>,
    features: Features,
    /// The class that a probe of all labels predicts of each.
    predictions: Option<Vec<usize>>,
}

impl<'a> Exhibit<'a> {
    /// Chooses the images; `predictions` are those of all test images.
    pub(crate) fn new(
        images: &'a Images,
        features: &ImageFeatures,
        predictions: Option<&[usize]>,
    ) -> Self {
        let (dataset, all) = match (&images.test, &features.test) {
            (Some(test), Some(features)) => (test, features),
            _ => (&images.train, &features.train),
        };
        let count = dataset.len().min(MOST);
        let indices: Vec<usize> = (0..count).map(|n| n * dataset.len() / count).collect();
        let predictions = predictions
            .map(|predictions| indices.iter().map(|index| predictions[*index]).collect());
        Self { dataset, features: all.select(&indices), predictions, indices }
    }

    /// Adds the map, the sheet of neighbors and, with labels, what is confused.
    pub(crate) fn add_to(&self, page: &mut Page) -> anyhow::Result<()> {
        page.gallery(&self.gallery()?)?;
        let others = self.features.rows().saturating_sub(1);
        if others < 2 {
            return Ok(());
        }
        let search = NearestNeighbors::new(&self.features, Distance::Cosine)?;
        let neighbors = search.search_others(NEIGHBORS.min(others))?;
        page.heading("Map");
        page.paragraph(
            "Images whose features are similar are near each other. How far the map can be trusted \
             stands below it.",
        );
        page.map(&MapConfig::default().map(&self.features)?, &neighbors)?;
        page.heading("Nearest neighbors");
        let labels = self.labels();
        page.paragraph(if labels.is_some() {
            "On the left an image of each class, then those with the most similar features; images \
             of another class are marked."
        } else {
            "On the left an image, then those with the most similar features."
        });
        let classes = self.dataset.class_names().len();
        let rows = if classes > 1 { classes.min(ROWS) } else { ROWS.min(self.indices.len()) };
        let places = labels.clone().unwrap_or_else(|| vec![0; self.indices.len()]);
        page.class_neighbors(&spread_over_classes(&places, rows), &neighbors, ON_SHEET)?;
        if let (Some(labels), Some(predictions)) = (labels, &self.predictions) {
            self.confusion(page, &labels, predictions)?;
        }
        Ok(())
    }

    fn gallery(&self) -> anyhow::Result<Gallery> {
        let mut gallery = Gallery::new(self.dataset.class_names());
        for (place, &index) in self.indices.iter().enumerate() {
            gallery.push(GalleryItem {
                image: &self.dataset.image(index)?,
                name: Path::new(&self.dataset.name(index)),
                label: self.dataset.label(index),
                prediction: self.predictions.as_ref().map(|predictions| predictions[place]),
            })?;
        }
        Ok(gallery)
    }

    /// Returns the labels, if all images have one.
    fn labels(&self) -> Option<Vec<usize>> {
        self.indices.iter().map(|&index| self.dataset.label(index)).collect()
    }

    fn confusion(
        &self,
        page: &mut Page,
        labels: &[usize],
        predictions: &[usize],
    ) -> anyhow::Result<()> {
        let names = self.dataset.class_names();
        let classes = names.len();
        let matrix = ConfusionMatrix::new(labels, predictions, classes)?;
        let cells = (0..classes).flat_map(|label| (0..classes).map(move |guess| (label, guess)));
        let counts: Vec<usize> = cells.map(|(label, guess)| matrix.count(label, guess)).collect();
        let chart = ConfusionChart::new("linear probe with all labels", names, &counts)?;
        page.heading("Confusion");
        page.confusion(&chart);
        page.confused_pairs(&chart, PAIRS)?;
        Ok(())
    }
}
