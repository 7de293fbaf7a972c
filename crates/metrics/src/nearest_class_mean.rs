//! Classification by the nearest class mean.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{Distance, Features, LabeledFeatures, MetricError, accuracy};

/// Classifier that predicts the class whose mean is nearest.
///
/// With [`Distance::Cosine`] rows are scaled to norm 1 before the mean is taken, so that each counts
/// the same. A class without training rows is never predicted; among equally near means the lower
/// class wins.
///
/// # Source
/// Mensink et al., 2013, *Distance-Based Image Classification*; the prototypes of Snell et al., 2017,
/// [arXiv:1703.05175](https://arxiv.org/abs/1703.05175), with [`Distance::L2`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NearestClassMean {
    /// What is near; cosine by default.
    #[serde(default)]
    pub distance: Distance,
}

/// The means of the classes, from [`NearestClassMean::fit`].
#[derive(Clone, Debug, PartialEq)]
pub struct ClassMeans {
    distance: Distance,
    classes: usize,
    dim: usize,
    /// Classes that have training rows, ascending, with their means.
    means: Vec<(usize, Vec<f32>)>,
}

impl NearestClassMean {
    /// Computes the mean of each class, in double precision.
    ///
    /// # Errors
    /// If there are no rows or a label is not below `classes`.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Distance, Features, LabeledFeatures, NearestClassMean};
    ///
    /// let rows = Features::new(1, vec![0.0, 2.0, 9.0])?;
    /// let nearest = NearestClassMean { distance: Distance::L2 };
    /// let means = nearest.fit(LabeledFeatures::new(&rows, &[0, 0, 2])?, 3)?;
    /// assert_eq!(means.predict(&Features::new(1, vec![4.9, 5.1])?)?, [0, 2]);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn fit(
        &self,
        train: LabeledFeatures<'_>,
        classes: usize,
    ) -> Result<ClassMeans, MetricError> {
        let rows = train.features();
        rows.at_least(1)?;
        train.check_classes(classes)?;
        let normalized = (self.distance == Distance::Cosine).then(|| rows.normalized());
        let rows = normalized.as_ref().unwrap_or(rows);
        let mut sums: Vec<(usize, Vec<f64>)> = vec![(0, Vec::new()); classes];
        for (row, &label) in rows.as_slice().chunks(rows.dim()).zip(train.labels()) {
            let (count, sum) = &mut sums[label];
            sum.resize(rows.dim(), 0.0);
            *count += 1;
            sum.iter_mut().zip(row).for_each(|(sum, x)| *sum += f64::from(*x));
        }
        #[allow(clippy::cast_possible_truncation, reason = "a mean of single precision values")]
        let mean = |(count, sum): (usize, Vec<f64>)| -> Vec<f32> {
            sum.into_iter().map(|sum| (sum / count as f64) as f32).collect()
        };
        let means = sums.into_iter().enumerate().filter(|(_, (count, _))| *count > 0);
        let means = means.map(|(class, sum)| (class, mean(sum))).collect();
        Ok(ClassMeans { distance: self.distance, classes, dim: rows.dim(), means })
    }
}

impl ClassMeans {
    /// Returns the class whose mean is nearest to each row.
    ///
    /// # Errors
    /// If the width differs from that of the training rows.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, LabeledFeatures, NearestClassMean};
    ///
    /// let rows = Features::new(2, vec![1.0, 0.0, 0.0, 9.0])?;
    /// let means = NearestClassMean::default().fit(LabeledFeatures::new(&rows, &[0, 1])?, 2)?;
    /// assert_eq!(means.predict(&Features::new(2, vec![5.0, 4.0])?)?, [0]);
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn predict(&self, features: &Features) -> Result<Vec<usize>, MetricError> {
        if features.dim() != self.dim {
            return Err(MetricError::Width { first: self.dim, second: features.dim() });
        }
        let nearest = |row: &[f32]| {
            let measured =
                self.means.iter().map(|(c, mean)| (*c, self.distance.between(row, mean)));
            measured.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(0, |(class, _)| class)
        };
        Ok(features.as_slice().par_chunks(self.dim).map(nearest).collect())
    }

    /// Returns the share of rows whose nearest mean is that of their label, 0 to 1.
    ///
    /// # Errors
    /// As [`predict`](Self::predict), or if a label is not one of the classes of the fit.
    pub fn accuracy(&self, test: LabeledFeatures<'_>) -> Result<f64, MetricError> {
        test.check_classes(self.classes)?;
        Ok(accuracy(&self.predict(test.features())?, test.labels()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosine_counts_each_row_the_same_and_l2_each_value() {
        // One long row of class 0 points elsewhere than two short ones.
        let rows = Features::new(2, vec![100.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 0.0]).unwrap();
        let train = LabeledFeatures::new(&rows, &[0, 0, 0, 1]).unwrap();
        let query = Features::new(2, vec![2.0, 1.0, 0.2, 1.0]).unwrap();
        let predict =
            |distance| NearestClassMean { distance }.fit(train, 2).unwrap().predict(&query);
        assert_eq!(predict(Distance::Cosine).unwrap(), [1, 0]);
        assert_eq!(predict(Distance::L2).unwrap(), [1, 1]);
    }

    #[test]
    fn equally_near_means_go_to_the_lower_class_and_empty_ones_to_nobody() {
        let rows = Features::new(1, vec![1.0, 3.0]).unwrap();
        let train = LabeledFeatures::new(&rows, &[4, 2]).unwrap();
        let means = NearestClassMean { distance: Distance::L2 }.fit(train, 6).unwrap();
        assert_eq!(means.predict(&Features::new(1, vec![2.0, 0.0]).unwrap()).unwrap(), [2, 4]);
    }

    #[test]
    fn inputs_that_do_not_fit_are_errors() {
        let none = Features::new(1, vec![]).unwrap();
        let none = LabeledFeatures::new(&none, &[]).unwrap();
        assert!(NearestClassMean::default().fit(none, 2).is_err());
        let one = Features::new(1, vec![1.0]).unwrap();
        let train = LabeledFeatures::new(&one, &[1]).unwrap();
        assert!(NearestClassMean::default().fit(train, 1).is_err());
        let means = NearestClassMean::default().fit(train, 2).unwrap();
        assert!(means.predict(&Features::new(2, vec![1.0; 2]).unwrap()).is_err());
        assert!(means.accuracy(LabeledFeatures::new(&one, &[2]).unwrap()).is_err());
    }
}
