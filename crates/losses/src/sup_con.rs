//! Supervised contrast: all views of the same class are positives.

use std::collections::BTreeMap;

use burn::tensor::{IndexingUpdateOp, Int, Tensor, TensorData};
use selfsame_kernels::loss::Excluded;

use crate::Labeled;
use crate::ops::contrast::check_temperature;
use crate::ops::custom_gradient::constant;
use crate::ops::l2_normalize::l2_normalize;
use crate::ops::log_sum_exp::LogSumExp;
use crate::ops::shapes::paired_dims;

/// Settings of [`sup_con`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SupConLossConfig {
    /// τ, above 0.
    pub temperature: f64,
}

impl Default for SupConLossConfig {
    /// Returns temperature 0.1 (paper).
    fn default() -> Self {
        Self { temperature: 0.1 }
    }
}

/// Returns the mean negative log-probability of an anchor's positives among all other views of the
/// batch.
///
/// ```text
/// loss = mean over all 2B views i of  −(1/|P(i)|) Σₚ s(i, p)/τ + log Σₖ≠ᵢ exp(s(i, k)/τ)
/// ```
/// `s` is the cosine of two rows. `P(i)` holds the other view of `i`'s image and all views of
/// images with its label; it is never empty. With all labels different this is
/// [`nt_xent`](crate::nt_xent()). Memory grows with the number of rows, as the sum of a class's
/// rows replaces its positives. Reads the labels back to the host.
///
/// # Shapes
/// - `view_a`, `view_b`: `[batch, dim]`, row `i` of both from the same image, any length
/// - `labels`: `[batch]`, any integers
/// - output: `[1]`, ≥ 0 up to rounding
///
/// # Panics
/// If the shapes differ or are empty, the labels are not as many as the rows, or the temperature is
/// not above 0.
///
/// # Source
/// Khosla et al., 2020, [arXiv:2004.11362](https://arxiv.org/abs/2004.11362), eq. 2 (`L_out`).
/// Deviation: no factor τ / 0.07, which the official code has.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use selfsame_losses::{SupConLossConfig, sup_con};
///
/// let device = Device::flex();
/// let view = Tensor::<2>::eye(2, &device);
/// let loss = |labels: [i64; 2]| {
///     let labels = Tensor::<1, Int>::from_data(labels, &device);
///     sup_con(view.clone(), view.clone(), labels, &SupConLossConfig { temperature: 1.0 })
///         .into_scalar::<f32>()
/// };
/// let denominator = (1.0_f32.exp() + 2.0).ln();
/// assert!((loss([3, 5]) - (denominator - 1.0)).abs() < 1e-6);
/// // Positives at cosines 1, 0 and 0.
/// assert!((loss([3, 3]) - (denominator - 1.0 / 3.0)).abs() < 1e-6);
/// ```
#[must_use]
#[track_caller]
pub fn sup_con(
    view_a: Tensor<2>,
    view_b: Tensor<2>,
    labels: Tensor<1, Int>,
    config: &SupConLossConfig,
) -> Tensor<1> {
    let [batch, dim] = paired_dims("sup_con", &view_a, &view_b);
    let (rows, found) = ([batch, dim], labels.dims());
    assert_eq!(found, [batch], "sup_con: labels of shape {found:?} for views of {rows:?}");
    let labels = Tensor::cat(vec![labels.clone(), labels], 0);
    let views = Labeled::new(Tensor::cat(vec![view_a, view_b], 0), labels);
    loss(&views, None, config.temperature)
}

/// Returns [`sup_con`] of queries and any keys: the views of all workers, a memory, cached
/// embeddings.
///
/// ```text
/// loss = mean over all queries i of  −(1/|P(i)|) Σₚ s(i, p)/τ + log Σₖ exp(s(i, k)/τ)
/// ```
/// `k` runs over all keys and `P(i)` over those with the label of query `i`, both without the key
/// that is the query itself. A query without positives adds 0 to the mean. With both views of a
/// batch as queries and as keys this is [`sup_con`]; the mean of the workers' losses is the loss of
/// the whole batch. Gradients flow to the keys that have a graph. Memory grows with the number of
/// rows.
///
/// # Shapes
/// - `queries`: `[queries, dim]`, one label each
/// - `keys`: `[keys, dim]`, one label each; with `first`, key `first + i` is query `i` itself; with
///   `None` no query is among the keys
/// - output: `[1]`, ≥ 0 up to rounding
///
/// # Panics
/// If the rows are not as wide, the queries do not fit among the keys from `first` on, the only key
/// is the query itself, or the temperature is not above 0.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Int, Tensor};
/// use selfsame_losses::{Labeled, SupConLossConfig, sup_con, sup_con_gathered};
///
/// let device = Device::flex();
/// let [a, b] = [[[1., 0.], [0., 1.]], [[2., 1.], [1., 3.]]];
/// let [a, b] = [a, b].map(|view| Tensor::<2>::from_floats(view, &device));
/// let labels = Tensor::<1, Int>::from_ints([7, 7], &device);
/// let config = SupConLossConfig::default();
/// // Each of two workers has both views of one image.
/// let row = |view: &Tensor<2>, worker| view.clone().slice([worker..worker + 1]);
/// let own = |worker| {
///     let rows = Tensor::cat(vec![row(&a, worker), row(&b, worker)], 0);
///     Labeled::new(rows, labels.clone())
/// };
/// let rows = Tensor::cat(vec![own(0).embedding(), own(1).embedding()], 0);
/// let all = Labeled::new(rows, Tensor::from_ints([7, 7, 7, 7], &device));
/// let worker = |at| sup_con_gathered(&own(at), &all, Some(2 * at), &config).into_scalar::<f32>();
/// let whole = sup_con(a.clone(), b.clone(), labels.clone(), &config).into_scalar::<f32>();
/// assert!(((worker(0) + worker(1)) / 2.0 - whole).abs() < 1e-5);
/// ```
#[must_use]
#[track_caller]
pub fn sup_con_gathered(
    queries: &Labeled,
    keys: &Labeled,
    first: Option<usize>,
    config: &SupConLossConfig,
) -> Tensor<1> {
    let (rows, all) = (queries.embedding().dims(), keys.embedding().dims());
    let fits = rows[1] == all[1] && first.is_none_or(|first| first + rows[0] <= all[0]);
    assert!(fits, "sup_con: queries of {rows:?} from {first:?} on are not among keys of {all:?}");
    loss(queries, Some((keys, first)), config.temperature)
}

/// Returns the loss of queries whose keys are the queries themselves, or other rows.
#[track_caller]
fn loss(
    queries: &Labeled,
    others: Option<(&Labeled, Option<usize>)>,
    temperature: f64,
) -> Tensor<1> {
    check_temperature("sup_con", temperature);
    let (keys, first) = others.unwrap_or((queries, Some(0)));
    let anchors = l2_normalize(queries.embedding());
    let count = queries.rows();
    let candidates = others.map(|(keys, _)| l2_normalize(keys.embedding()));
    let itself = |row: usize| first.map(|first| first + row);

    let classes = Classes::of(&keys.labels());
    let positives = |(row, label): (usize, i64)| {
        let others = classes.indices.get(&label).map_or(0, |class| classes.sizes[*class]);
        others - usize::from(itself(row).is_some())
    };
    let labels: Vec<i64> = queries.labels().to_data().iter::<i64>().collect();
    let positives: Vec<usize> = labels.iter().copied().enumerate().map(positives).collect();
    let of_keys = candidates.clone().unwrap_or_else(|| anchors.clone());
    let own = first.map(|first| of_keys.clone().narrow(0, first, count));
    let agreement = classes.mean_positive(anchors.clone(), of_keys, own, &labels, &positives);

    let excluded =
        first.map_or(Excluded::None, |_| Excluded::One((0..count).filter_map(itself).collect()));
    let sums = LogSumExp::new(anchors.clone(), candidates, excluded, temperature);
    let counts = positives.iter().map(|&some| f64::from(u8::from(some > 0)) / count as f64);
    let counts: Tensor<1> = constant(counts.collect(), [count], &anchors);
    let value = (sums.values() * counts.clone()).sum();
    sums.weighted(value, counts) - agreement * temperature.recip()
}

/// The class of each key, numbered from 0.
struct Classes {
    indices: BTreeMap<i64, usize>,
    of_key: Vec<i64>,
    sizes: Vec<usize>,
}

impl Classes {
    fn of(labels: &Tensor<1, Int>) -> Self {
        let mut indices = BTreeMap::new();
        let mut sizes = Vec::new();
        let labels = labels.to_data();
        let place = |label: i64| {
            let class = *indices.entry(label).or_insert(sizes.len());
            if class == sizes.len() {
                sizes.push(0);
            }
            sizes[class] += 1;
            class as i64
        };
        let of_key = labels.iter::<i64>().map(place).collect();
        Self { indices, of_key, sizes }
    }

    /// Returns the mean over the queries of the mean cosine with their positives, `[1]`; `own` are
    /// the keys that are the queries themselves.
    fn mean_positive(
        &self,
        queries: Tensor<2>,
        keys: Tensor<2>,
        own: Option<Tensor<2>>,
        labels: &[i64],
        positives: &[usize],
    ) -> Tensor<1> {
        let [count, dim] = queries.dims();
        let device = queries.clone().inner().device();
        let places = |places: Vec<i64>| {
            let count = places.len();
            Tensor::<1, Int>::from_data(TensorData::new(places, [count]), &device)
        };
        let weight = |&some: &usize| if some > 0 { 1.0 / (some * count) as f64 } else { 0.0 };
        let weights: Tensor<2> =
            constant(positives.iter().map(weight).collect(), [count, 1], &queries);

        // The sum over the positives is the class's sum minus the query itself. A query of a class
        // without keys gets any sum, and the weight 0.
        let class = |label: &i64| self.indices.get(label).map_or(0, |class| *class as i64);
        let zeros = Tensor::<2>::zeros([self.sizes.len(), dim], (&device, keys.dtype()));
        let zeros = if keys.is_autodiff() { zeros.autodiff() } else { zeros };
        let of_key = places(self.of_key.clone());
        let sums = zeros.select_assign(0, of_key, keys, IndexingUpdateOp::Add);
        let sums = sums.select(0, places(labels.iter().map(class).collect()));
        let others = match own {
            None => sums,
            Some(own) => sums - own,
        };
        ((others * queries).sum_dim(1) * weights).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::laws::{Pair, assert_close, cosine, finite_differences, laws, mean, value};
    use burn::tensor::Device;

    fn labels(of: &Tensor<2>, classes: i64) -> Tensor<1, Int> {
        let places = Tensor::<1, Int>::arange(0..of.dims()[0] as i64, &Device::flex());
        places.remainder_scalar(classes)
    }

    /// Three classes in turn.
    fn loss(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let labels = labels(&a, 3);
        sup_con(a, b, labels, &SupConLossConfig { temperature: 0.3 })
    }

    fn all_different(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let labels = labels(&a, 1000);
        sup_con(a, b, labels, &SupConLossConfig { temperature: 0.3 })
    }

    fn nt_xent(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        crate::nt_xent(a, b, &crate::NtXentLossConfig { temperature: 0.3 })
    }

    /// The formula, term by term.
    fn naive(pair: &Pair) -> f64 {
        let all: Vec<&Vec<f64>> = pair.a.iter().chain(&pair.b).collect();
        let class = |i: usize| (i % pair.a.len()) % 3;
        mean((0..all.len()).map(|i| {
            let score = |k: usize| cosine(all[i], all[k]) / 0.3;
            let others = (0..all.len()).filter(|&k| k != i);
            let sum = others.clone().map(|k| score(k).exp()).sum::<f64>();
            let positives = others.filter(|&k| class(k) == class(i));
            sum.ln() - mean(positives.map(score))
        }))
    }

    proptest::proptest! {
        #[test]
        fn equals_the_formula(pair in Pair::any()) {
            assert_close(value(loss, &pair), naive(&pair), 1e-10);
            assert_close(value(all_different, &pair), value(nt_xent, &pair), 1e-12);
        }
    }

    #[test]
    fn obeys_the_laws() {
        finite_differences(loss);
        laws(loss).symmetry().scale().precision().shapes().extremes(1);
        laws(all_different).permutation().collapse();
    }

    /// View a as queries, both views as keys behind two others; classes that no key has, too.
    fn gathered(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let others = crate::laws::ramp(&a).slice_dim(0, 0..1);
        let others = if a.is_autodiff() { others.autodiff() } else { others };
        let of = labels(&a, 3);
        let two = Tensor::from_data([1_i64], &Device::flex());
        let keys = Tensor::cat(vec![others, a.clone(), b], 0);
        let keys = Labeled::new(keys, Tensor::cat(vec![two, of.clone(), of.clone()], 0));
        sup_con_gathered(
            &Labeled::new(a, of),
            &keys,
            Some(1),
            &SupConLossConfig { temperature: 0.3 },
        )
    }

    /// Queries of which the classes 1 and 2 have no key, and keys that are none of them.
    fn against_a_memory(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let (queries, keys) = (labels(&a, 3), labels(&b, 1));
        let (queries, keys) = (Labeled::new(a, queries), Labeled::new(b, keys));
        sup_con_gathered(&queries, &keys, None, &SupConLossConfig { temperature: 0.3 })
    }

    /// The formula of [`against_a_memory`] and, with one key more and themselves, [`gathered`].
    fn naive_gathered(pair: &Pair, memory: bool) -> f64 {
        let rows = pair.a.len();
        let other = crate::laws::ramp_rows(1, pair.a[0].len()).remove(0);
        let mut keys: Vec<(Vec<f64>, usize)> = Vec::new();
        if !memory {
            keys.push((other, 1));
            keys.extend(pair.a.iter().cloned().zip((0..rows).map(|i| i % 3)));
        }
        let class = |i: usize| if memory { 0 } else { i % 3 };
        keys.extend(pair.b.iter().cloned().zip((0..rows).map(class)));
        mean((0..rows).map(|i| {
            let score = |key: &Vec<f64>| cosine(&pair.a[i], key) / 0.3;
            let others = || (0..keys.len()).filter(|&k| memory || k != i + 1).map(|k| &keys[k]);
            let sum = others().map(|(key, _)| score(key).exp()).sum::<f64>();
            let positives = others().filter(|(_, class)| *class == i % 3);
            let scores: Vec<f64> = positives.map(|(key, _)| score(key)).collect();
            if scores.is_empty() { 0.0 } else { sum.ln() - mean(scores) }
        }))
    }

    /// Both views as queries among themselves.
    fn given_everything(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
        let of = labels(&a, 3);
        let labels = Tensor::cat(vec![of.clone(), of], 0);
        let all = Labeled::new(Tensor::cat(vec![a, b], 0), labels);
        sup_con_gathered(&all, &all, Some(0), &SupConLossConfig { temperature: 0.3 })
    }

    proptest::proptest! {
        #[test]
        fn gathered_equals_the_formula(pair in Pair::any()) {
            assert_close(value(gathered, &pair), naive_gathered(&pair, false), 1e-10);
            assert_close(value(against_a_memory, &pair), naive_gathered(&pair, true), 1e-10);
        }

        #[test]
        fn gathered_with_everything_is_plain(pair in Pair::any()) {
            use crate::laws::gradients;
            use burn::tensor::DType;
            assert_close(value(given_everything, &pair), value(loss, &pair), 1e-12);
            let [found, want] = [given_everything, loss]
                .map(|loss: crate::laws::Loss| gradients(loss, &pair, DType::F64).concat());
            for (found, want) in found.iter().zip(&want) {
                assert_close(*found, *want, 1e-10);
            }
        }
    }

    #[test]
    fn gathered_obeys_the_laws() {
        for loss in [gathered, against_a_memory, given_everything] {
            finite_differences(loss);
            laws(loss).scale().precision().extremes(1);
        }
    }

    #[test]
    #[should_panic(expected = "queries of [2, 3] from Some(2) on are not among keys of [3, 3]")]
    fn queries_that_do_not_fit_are_named() {
        let rows = |count: usize| {
            let labels = Tensor::zeros([count], &Device::flex());
            Labeled::new(Tensor::ones([count, 3], &Device::flex()), labels)
        };
        let _ = sup_con_gathered(&rows(2), &rows(3), Some(2), &SupConLossConfig::default());
    }

    #[test]
    #[should_panic(expected = "labels of shape [3] for views of [2, 4]")]
    fn labels_that_do_not_fit_are_named() {
        let view = Tensor::<2>::ones([2, 4], &Device::flex());
        let labels = Tensor::<1, Int>::from_data([0_i64, 1, 2], &Device::flex());
        let _ = sup_con(view.clone(), view, labels, &SupConLossConfig::default());
    }
}
