//! How good features are when few of them have labels.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    Knn, LabeledFeatures, LinearProbe, MetricError, NearestClassMean, ProbeProtocol, Summary,
};

/// What reads the classes off the features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ReadOut {
    /// A linear layer.
    Probe(ProbeProtocol),
    /// The nearest class mean.
    NearestClassMean(NearestClassMean),
    /// Nearest neighbors.
    Knn(Knn),
}

impl ReadOut {
    /// Returns the three read-outs with their defaults: [`LinearProbe::few_labels`], for which one
    /// sample per class is enough, the nearest class mean, and 20 neighbors.
    #[must_use]
    pub fn defaults() -> Vec<Self> {
        vec![
            Self::Probe(ProbeProtocol::Fixed(LinearProbe::few_labels())),
            Self::NearestClassMean(NearestClassMean::default()),
            Self::Knn(Knn::default()),
        ]
    }

    /// Returns the accuracy on `test` of what is learned from `train`, 0 to 1.
    ///
    /// # Errors
    /// As the read-out's own, or if there are no test rows.
    ///
    /// # Example
    /// ```
    /// use selfsame_metrics::{Features, LabeledFeatures, ReadOut};
    ///
    /// let rows = Features::new(2, vec![1.0, 0.0, 0.0, 1.0])?;
    /// let train = LabeledFeatures::new(&rows, &[0, 1])?;
    /// for read_out in ReadOut::defaults() {
    ///     assert_eq!(read_out.accuracy(train, train, 2)?, 1.0);
    /// }
    /// # Ok::<(), selfsame_metrics::MetricError>(())
    /// ```
    pub fn accuracy(
        &self,
        train: LabeledFeatures<'_>,
        test: LabeledFeatures<'_>,
        classes: usize,
    ) -> Result<f64, MetricError> {
        test.features().at_least(1)?;
        match self {
            Self::Probe(protocol) => protocol.fit(train, classes)?.accuracy(test),
            Self::NearestClassMean(nearest) => nearest.fit(train, classes)?.accuracy(test),
            Self::Knn(knn) => knn.accuracy(train, test, classes),
        }
    }
}

/// The accuracy of a read-out over several label samples, from [`evaluate_few_labels`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FewLabels {
    /// What read the classes off the features.
    pub read_out: ReadOut,
    /// The accuracy with each label sample, 0 to 1.
    pub accuracies: Vec<f64>,
    /// Their mean and standard deviation.
    pub summary: Summary,
    /// Half the width of the 95 % confidence interval of the mean by Student's t over the label
    /// samples; `None` for a single one.
    pub confidence_95: Option<f64>,
}

/// Evaluates features of which only those of a label sample may be learned from, for several label
/// samples and read-outs; one result per read-out.
///
/// A label sample is a list of rows of `train`, for example as many rows of each class, or one row in
/// a hundred; `few_labels` and `few_labels_share` of `selfsame-datasets` draw them. The interval
/// tells of the luck of label samples only, not of other seeds of pre-training.
///
/// # Errors
/// If there are no read-outs, no label samples, or an empty one, a row does not exist or comes twice,
/// or a read-out cannot be fitted.
///
/// # Example
/// ```
/// use selfsame_metrics::{Features, LabeledFeatures, ReadOut, evaluate_few_labels};
///
/// let rows = Features::new(2, vec![1.0, 0.0, 0.9, 0.1, 0.0, 1.0, 0.2, 0.9])?;
/// let train = LabeledFeatures::new(&rows, &[0, 0, 1, 1])?;
/// let one_per_class = [vec![0, 2], vec![1, 3], vec![0, 3]];
/// let found = evaluate_few_labels(&ReadOut::defaults(), train, train, 2, &one_per_class)?;
/// assert_eq!((found.len(), &found[1].accuracies), (3, &vec![1.0; 3]));
/// assert_eq!(found[1].confidence_95, Some(0.0));
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
pub fn evaluate_few_labels(
    read_outs: &[ReadOut],
    train: LabeledFeatures<'_>,
    test: LabeledFeatures<'_>,
    classes: usize,
    samples: &[Vec<usize>],
) -> Result<Vec<FewLabels>, MetricError> {
    check(read_outs, train, samples)?;
    let of_sample = |rows: &Vec<usize>| {
        let features = train.features().select(rows);
        let labels: Vec<usize> = rows.iter().map(|row| train.labels()[*row]).collect();
        let sample = LabeledFeatures::new(&features, &labels)?;
        read_outs.iter().map(|read_out| read_out.accuracy(sample, test, classes)).collect()
    };
    let of_samples: Result<Vec<Vec<f64>>, MetricError> =
        samples.par_iter().map(of_sample).collect();
    let of_samples = of_samples?;
    let result = |(at, read_out): (usize, &ReadOut)| {
        let accuracies: Vec<f64> = of_samples.iter().map(|sample| sample[at]).collect();
        let summary = Summary::of(&accuracies);
        let confidence_95 = summary.confidence_95(accuracies.len());
        FewLabels { read_out: read_out.clone(), accuracies, summary, confidence_95 }
    };
    Ok(read_outs.iter().enumerate().map(result).collect())
}

fn check(
    read_outs: &[ReadOut],
    train: LabeledFeatures<'_>,
    samples: &[Vec<usize>],
) -> Result<(), MetricError> {
    if read_outs.is_empty() {
        return Err(MetricError::Setting { key: "read_outs", range: "one or more" });
    }
    if samples.is_empty() || samples.iter().any(Vec::is_empty) {
        let range = "one or more label samples of one or more rows";
        return Err(MetricError::Setting { key: "samples", range });
    }
    let rows = train.features().rows();
    for sample in samples {
        if let Some(&row) = sample.iter().find(|row| **row >= rows) {
            return Err(MetricError::Row { row, rows });
        }
        let mut sorted = sample.clone();
        sorted.sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(MetricError::Setting { key: "samples", range: "lists of distinct rows" });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Distance, Features};

    fn clusters() -> (Features, Vec<usize>) {
        let noise = |seed: usize| (seed * 7919 % 1009) as f32 / 1009.0 - 0.5;
        let angle = |i: usize| (i % 3) as f32 * 2.0 + 1.7 * noise(i);
        let data = (0..90).flat_map(|i| [angle(i).cos(), angle(i).sin()]).collect();
        (Features::new(2, data).unwrap(), (0..90).map(|i| i % 3).collect())
    }

    #[test]
    fn every_accuracy_is_that_of_its_label_sample_alone() {
        let (features, labels) = clusters();
        let train = LabeledFeatures::new(&features, &labels).unwrap();
        let samples: Vec<Vec<usize>> = (0..4).map(|s| (s * 6..s * 6 + 6).collect()).collect();
        let mut read_outs = ReadOut::defaults();
        read_outs.push(ReadOut::NearestClassMean(NearestClassMean { distance: Distance::L2 }));
        let found = evaluate_few_labels(&read_outs, train, train, 3, &samples).unwrap();
        for result in &found {
            for (rows, accuracy) in samples.iter().zip(&result.accuracies) {
                let some = features.select(rows);
                let labels: Vec<usize> = rows.iter().map(|row| labels[*row]).collect();
                let some = LabeledFeatures::new(&some, &labels).unwrap();
                let alone = result.read_out.accuracy(some, train, 3).unwrap();
                assert!((alone - accuracy).abs() < 1e-12);
            }
            // Student's t of three degrees of freedom.
            let half = 3.182_446 * result.summary.std / 2.0;
            assert!((result.confidence_95.unwrap() - half).abs() < 1e-6);
        }
        let json = serde_json::to_string(&found).unwrap();
        assert_eq!(serde_json::from_str::<Vec<FewLabels>>(&json).unwrap(), found);
    }

    #[test]
    fn inputs_that_do_not_fit_are_errors() {
        let (features, labels) = clusters();
        let train = LabeledFeatures::new(&features, &labels).unwrap();
        let run = |samples: &[Vec<usize>]| {
            evaluate_few_labels(&ReadOut::defaults(), train, train, 3, samples)
        };
        assert!(run(&[]).is_err() && run(&[vec![]]).is_err() && run(&[vec![1, 1]]).is_err());
        assert_eq!(run(&[vec![90]]), Err(MetricError::Row { row: 90, rows: 90 }));
        assert!(evaluate_few_labels(&[], train, train, 3, &[vec![0]]).is_err());
        let none = Features::new(2, vec![]).unwrap();
        let none = LabeledFeatures::new(&none, &[]).unwrap();
        assert!(evaluate_few_labels(&ReadOut::defaults(), train, none, 3, &[vec![0]]).is_err());
    }
}
