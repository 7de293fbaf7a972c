//! The images that a report shows, with their features and what is predicted of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use selfsame::datasets::Dataset;
use selfsame::metrics::{ConfusionMatrix, Distance, Features, NearestNeighbors, Neighbors};
use selfsame::report::{
    ConfusionChart, Gallery, GalleryItem, MapConfig, NeighborSheet, Page, nearest_other_rows,
    nearest_rows, spread_over_classes,
};

use crate::features::ImageFeatures;
use crate::images::Images;

/// Neighbors of an image on the map, and on the sheet of neighbors.
const NEIGHBORS: usize = 24;
const ON_SHEET: usize = 8;
/// Queries on the sheet of neighbors, and classes at most.
const QUERIES: usize = 6;
const ROWS: usize = 20;
/// Pairs of classes that are confused most often.
const PAIRS: usize = 8;

/// The images of a report: test images, or some of the training images if there are no labels.
pub(crate) struct Exhibit<'a> {
    images: &'a Images,
    /// Where the data are.
    roots: &'a [PathBuf],
    all: &'a ImageFeatures,
    dataset: &'a Arc<dyn Dataset>,
    indices: Vec<usize>,
    features: Features,
    /// The class that a probe of all labels predicts of each.
    predictions: Option<Vec<usize>>,
}

impl<'a> Exhibit<'a> {
    /// Images in a report at most.
    pub(crate) const MOST: u32 = 2_000;

    /// Chooses at most `most` images; `predictions` are those of all test images.
    pub(crate) fn new(
        images: &'a Images,
        roots: &'a [PathBuf],
        all: &'a ImageFeatures,
        predictions: Option<&[usize]>,
        most: u32,
    ) -> Self {
        let (dataset, features) = match (&images.test, &all.test) {
            (Some(test), Some(features)) => (test, features),
            _ => (&images.train, &all.train),
        };
        let count = dataset.len().min(most as usize);
        let indices: Vec<usize> = (0..count).map(|n| n * dataset.len() / count).collect();
        let predictions = predictions
            .map(|predictions| indices.iter().map(|index| predictions[*index]).collect());
        let features = features.select(&indices);
        Self { images, roots, all, dataset, indices, features, predictions }
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
            "Images whose features are similar are near each other. The caption says how far the map \
             can be trusted.",
        );
        page.map(&MapConfig::default().map(&self.features)?, &neighbors)?;
        page.heading("Nearest neighbors");
        page.paragraph(
            "On the left a query, then the training images whose features are most similar to its \
             own.",
        );
        page.neighbors(&self.sheet()?);
        self.neighbors_by_class(page, &neighbors)?;
        if let (Some(labels), Some(predictions)) = (self.labels(), &self.predictions) {
            self.confusion(page, &labels, predictions)?;
        }
        Ok(())
    }

    /// Returns a few of the images, each with its nearest training images.
    fn sheet(&self) -> anyhow::Result<NeighborSheet> {
        let labels = self.labels().unwrap_or_else(|| vec![0; self.indices.len()]);
        let queries = spread_over_classes(&labels, QUERIES);
        let queries: Vec<usize> = queries.into_iter().map(|place| self.indices[place]).collect();
        let count = ON_SHEET.min(self.all.train.rows().saturating_sub(1)).max(1);
        let rows = match &self.all.test {
            Some(test) => nearest_rows(&self.all.train, test, &queries, count),
            None => nearest_other_rows(&self.all.train, &queries, count),
        };
        let mut sheet = NeighborSheet::new();
        for (query, neighbors) in queries.into_iter().zip(rows?) {
            let neighbors = neighbors.into_iter().map(|index| self.images.train.image(index));
            sheet.push(&self.dataset.image(query)?, &neighbors.collect::<Result<Vec<_>, _>>()?)?;
        }
        Ok(sheet)
    }

    /// Adds an image of each class with those of the exhibit that are nearest.
    fn neighbors_by_class(&self, page: &mut Page, neighbors: &Neighbors) -> anyhow::Result<()> {
        let classes = self.dataset.class_names().len();
        let (Some(labels), true) = (self.labels(), classes > 1) else { return Ok(()) };
        page.heading("Neighbors of every class");
        page.paragraph(
            "On the left an image of each class, of at most 20 classes, then the images of the map \
             that are nearest to it; those of another class are marked.",
        );
        let queries = spread_over_classes(&labels, classes.min(ROWS));
        page.class_neighbors(&queries, neighbors, ON_SHEET)?;
        Ok(())
    }

    fn gallery(&self) -> anyhow::Result<Gallery> {
        let mut gallery = Gallery::new(self.dataset.class_names());
        for (place, &index) in self.indices.iter().enumerate() {
            gallery.push(GalleryItem {
                image: &self.dataset.image(index)?,
                name: Path::new(&self.shown_name(index)),
                label: self.dataset.label(index),
                prediction: self.predictions.as_ref().map(|predictions| predictions[place]),
            })?;
        }
        Ok(gallery)
    }

    /// Returns the name of an image without the folders above the data, which would tell about the
    /// machine.
    fn shown_name(&self, index: usize) -> String {
        let mut name = self.dataset.name(index);
        for root in self.roots {
            let short = root.file_name().map_or_else(String::new, |it| it.to_string_lossy().into());
            name = name.replace(&root.display().to_string(), &short);
        }
        name
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
