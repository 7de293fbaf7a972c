//! Rows of a sheet of nearest neighbors: the chosen queries, and the rows nearest to them.

use selfsame_metrics::{Features, Knn, MetricError};

/// Chooses `count` rows to show, of as many different classes as possible.
///
/// Classes alternate in ascending order. If there are more classes than `count`, an evenly spaced
/// selection is taken. The rows of each class are evenly spaced, too. Without labels, pass the same
/// label for every row. All rows are chosen if there are no more than `count`.
///
/// # Example
/// ```
/// use selfsame_report::spread_over_classes;
///
/// // Twenty rows of ten alternating classes, and twenty of two classes in blocks.
/// let turns: Vec<usize> = (0..20).map(|row| row % 10).collect();
/// assert_eq!(spread_over_classes(&turns, 5), [0, 2, 4, 6, 8]);
/// let blocks: Vec<usize> = (0..20).map(|row| row / 10).collect();
/// assert_eq!(spread_over_classes(&blocks, 4), [0, 10, 2, 12]);
/// ```
#[must_use]
pub fn spread_over_classes(labels: &[usize], count: usize) -> Vec<usize> {
    let mut classes = labels.to_vec();
    classes.sort_unstable();
    classes.dedup();
    let turns = count.min(classes.len());
    let members: Vec<Vec<usize>> = (0..turns)
        .map(|turn| classes[turn * classes.len() / turns])
        .map(|class| (0..labels.len()).filter(|&row| labels[row] == class).collect())
        .collect();
    let member = |members: &Vec<usize>, round: usize| {
        let step = (members.len() / count).max(1);
        members.get(round * step).copied()
    };
    let member = &member;
    let rounds = (0..count)
        .flat_map(|round| members.iter().filter_map(move |members| member(members, round)));
    rounds.take(count).collect()
}

/// Returns for each chosen row of `queries` the indices of its `count` nearest rows of `gallery` by
/// cosine similarity, nearest first.
///
/// # Errors
/// If the widths differ, the gallery is empty or `count` is 0.
///
/// # Panics
/// If a chosen row does not exist.
///
/// # Example
/// ```
/// use selfsame_metrics::Features;
/// use selfsame_report::nearest_rows;
///
/// let gallery = Features::new(2, vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0])?;
/// let queries = Features::new(2, vec![5.0, 5.0, 0.1, 2.0])?;
/// assert_eq!(nearest_rows(&gallery, &queries, &[1], 2)?, [[1, 2]]);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[track_caller]
pub fn nearest_rows(
    gallery: &Features,
    queries: &Features,
    chosen: &[usize],
    count: usize,
) -> Result<Vec<Vec<usize>>, MetricError> {
    Knn { k: count, ..Knn::default() }.neighbors(gallery, &queries.select(chosen))
}

/// Returns for each chosen row the indices of the `count` rows of the same features that are
/// nearest to it, itself excluded, nearest first.
///
/// # Errors
/// If there are no rows.
///
/// # Panics
/// If a chosen row does not exist.
///
/// # Example
/// ```
/// use selfsame_metrics::Features;
/// use selfsame_report::nearest_other_rows;
///
/// let features = Features::new(2, vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.2])?;
/// assert_eq!(nearest_other_rows(&features, &[0, 2], 1)?, [[2], [0]]);
/// # Ok::<(), selfsame_metrics::MetricError>(())
/// ```
#[track_caller]
pub fn nearest_other_rows(
    features: &Features,
    chosen: &[usize],
    count: usize,
) -> Result<Vec<Vec<usize>>, MetricError> {
    // One more, for the row itself; it may be missing among rows that equal it.
    let mut rows = nearest_rows(features, features, chosen, count + 1)?;
    for (row, &own) in rows.iter_mut().zip(chosen) {
        row.retain(|&other| other != own);
        row.truncate(count);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The classes of the chosen rows.
    fn classes(labels: &[usize], count: usize) -> Vec<usize> {
        spread_over_classes(labels, count).into_iter().map(|row| labels[row]).collect()
    }

    #[test]
    fn queries_have_different_classes_where_their_step_is_a_multiple_of_the_classes() {
        // The test images of the drawn shapes: steps of 1,500 / 6 meet one class only.
        let labels: Vec<usize> = (0..1_500).map(|row| row % 10).collect();
        let shown = classes(&labels, 6);
        assert_eq!(shown, [0, 1, 3, 5, 6, 8]);
        let stepped: Vec<usize> = (0..1_500).step_by(250).map(|row| labels[row]).collect();
        assert_eq!(stepped, [0; 6]);
    }

    #[test]
    fn classes_in_blocks_and_of_uneven_sizes_take_turns() {
        let labels = [vec![0; 50], vec![1; 2], vec![7; 9]].concat();
        assert_eq!(classes(&labels, 6), [0, 1, 7, 0, 1, 7]);
        assert_eq!(classes(&labels, 9), [0, 1, 7, 0, 1, 7, 0, 7, 0]);
    }

    #[test]
    fn rows_of_one_class_are_evenly_spaced_and_never_repeated() {
        assert_eq!(spread_over_classes(&[0; 60], 6), [0, 10, 20, 30, 40, 50]);
        assert_eq!(spread_over_classes(&[3, 3, 3], 6), [0, 1, 2]);
        assert_eq!(spread_over_classes(&[], 6), [0; 0]);
        assert_eq!(spread_over_classes(&[1, 2], 0), [0; 0]);
    }

    #[test]
    fn a_row_among_equals_is_not_its_own_neighbor() {
        let equal = Features::new(1, vec![1.0; 5]).unwrap();
        assert_eq!(nearest_other_rows(&equal, &[0, 4], 2).unwrap(), [[1, 2], [0, 1]]);
    }
}
