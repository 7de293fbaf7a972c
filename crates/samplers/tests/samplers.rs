//! The draws of samplers: laws for any size, and statistics with fixed seeds.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use selfsame_samplers::{
    Balanced, BalancedConfig, Sampler, SamplerError, Sharded, Shuffled, SingleShot, WarmUp,
    Weighted, WithReplacement, examples_per_class,
};

fn all(sampler: &dyn Sampler, epoch: u64) -> Vec<Vec<usize>> {
    (0..sampler.batches_per_epoch()).map(|batch| sampler.batch(epoch, batch)).collect()
}

fn sorted(mut indices: Vec<usize>) -> Vec<usize> {
    indices.sort_unstable();
    indices
}

proptest! {
    #[test]
    fn a_shuffle_is_a_permutation(images in 1_usize..300, size in 1_usize..40, seed: u64, epoch: u64) {
        prop_assume!(size <= images);
        let sampler = Shuffled::new(images, size, seed).unwrap();
        let whole = all(&sampler, epoch);
        prop_assert!(whole.iter().all(|batch| batch.len() == size));
        let distinct: HashSet<usize> = whole.concat().into_iter().collect();
        prop_assert_eq!(distinct.len(), images / size * size);
        let kept = all(&sampler.keep_last(), epoch);
        prop_assert_eq!(&kept[..whole.len()], &whole[..]);
        prop_assert_eq!(sorted(kept.concat()), (0..images).collect::<Vec<_>>());
    }

    #[test]
    fn shards_are_disjoint_cover_all_and_have_as_many_batches(
        shards in 1_usize..6, each in 1_usize..5, images in 30_usize..200, keep: bool, epoch in 0_u64..3,
    ) {
        let mut inner = Shuffled::new(images, shards * each, 5).unwrap();
        if keep {
            inner = inner.keep_last();
        }
        let parts: Vec<_> = (0..shards).map(|s| Sharded::new(inner.clone(), s, shards).unwrap()).collect();
        let batches = parts[0].batches_per_epoch();
        for batch in 0..batches {
            let together: Vec<usize> = parts.iter().flat_map(|part| part.batch(epoch, batch)).collect();
            prop_assert_eq!(together, inner.batch(epoch, batch));
            let sizes: Vec<usize> = parts.iter().map(|part| part.batch(epoch, batch).len()).collect();
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
        }
        prop_assert!(parts.iter().all(|part| part.batches_per_epoch() == batches));
        // Only a last batch of fewer images than shards is lost.
        let lost = inner.batches_per_epoch() - batches;
        prop_assert!(lost == 0 || (lost == 1 && inner.batch(epoch, batches).len() < shards));
    }

    #[test]
    fn balanced_batches_are_balanced(
        classes in 2_usize..7, per_batch in 1_usize..7, examples in 1_usize..6, seed: u64,
        sizes in prop::collection::vec(1_usize..12, 7),
    ) {
        prop_assume!(per_batch <= classes);
        let labels: Vec<Option<usize>> =
            (0..classes).flat_map(|class| vec![Some(class); sizes[class]]).chain([None; 5]).collect();
        let config = BalancedConfig {
            classes_per_batch: per_batch, examples_per_class: examples, batches_per_epoch: 20, seed,
            ..BalancedConfig::default()
        };
        let sampler = Balanced::new(&labels, config).unwrap();
        for batch in all(&sampler, 3) {
            let mut of_class: HashMap<usize, Vec<usize>> = HashMap::new();
            for index in batch {
                of_class.entry(labels[index].unwrap()).or_default().push(index);
            }
            prop_assert_eq!(of_class.len(), per_batch);
            for (class, members) in of_class {
                prop_assert_eq!(members.len(), examples);
                let distinct: HashSet<usize> = members.into_iter().collect();
                prop_assert_eq!(distinct.len(), examples.min(sizes[class]));
            }
        }
    }
}

#[test]
fn an_epoch_depends_on_seed_and_number_alone() {
    let labels: Vec<_> = (0..60).map(|index| Some(index % 6)).collect();
    let make = |seed| -> Vec<Box<dyn Sampler>> {
        let config = BalancedConfig { batches_per_epoch: 9, seed, ..BalancedConfig::default() };
        vec![
            Box::new(Shuffled::new(60, 6, seed).unwrap()),
            Box::new(WithReplacement::new(60, 6, 9, seed).unwrap()),
            Box::new(Weighted::new(&[1.0; 60], 6, 9, seed).unwrap()),
            Box::new(Balanced::new(&labels, config).unwrap()),
            Box::new(SingleShot(Shuffled::new(60, 6, seed).unwrap())),
        ]
    };
    for ((one, same), other) in make(1).into_iter().zip(make(1)).zip(make(2)) {
        assert_eq!(all(&*one, 7), all(&*same, 7));
        assert_ne!(all(&*one, 7), all(&*one, 8));
        assert_ne!(all(&*one, 7), all(&*other, 7));
    }
}

/// Orders that every version must repeat, so that a seeded run stays the same.
#[test]
fn the_draws_of_a_seed_are_fixed() {
    let shuffled = Shuffled::new(10, 5, 7).unwrap();
    assert_eq!(all(&shuffled, 3), [[9, 7, 2, 5, 6], [0, 8, 4, 1, 3]]);
    let replaced = WithReplacement::new(10, 4, 2, 7).unwrap();
    assert_eq!(all(&replaced, 3), [[3, 1, 5, 1], [0, 2, 0, 9]]);
    let weighted = Weighted::new(&[1.0, 2.0, 3.0, 4.0], 6, 1, 7).unwrap();
    assert_eq!(all(&weighted, 3), [[1, 1, 1, 3, 3, 2]]);
    let labels: Vec<_> = (0..40).map(|index| Some(index % 4)).collect();
    let config = BalancedConfig {
        total_examples_per_class: Some(3),
        batches_per_epoch: 2,
        seed: 7,
        ..BalancedConfig::default()
    };
    let balanced = Balanced::new(&labels, config).unwrap();
    assert_eq!(all(&balanced, 3), [[22, 26, 35, 39], [17, 9, 16, 12]]);
}

/// Σ (seen − expected)² / expected.
fn chi_square(seen: &[usize], expected: &[f64]) -> f64 {
    seen.iter().zip(expected).map(|(&seen, want)| (seen as f64 - want).powi(2) / want).sum()
}

fn counts(indices: impl IntoIterator<Item = usize>, images: usize) -> Vec<usize> {
    let mut counts = vec![0; images];
    indices.into_iter().for_each(|index| counts[index] += 1);
    counts
}

#[test]
fn every_image_is_as_likely_at_every_place() {
    // Which image of 10 comes first, over 5,000 epochs; 9 degrees of freedom: 27.9 is the 99.9th
    // percentile. The seed is fixed, so this passes always or never.
    let sampler = Shuffled::new(10, 5, 1).unwrap();
    for place in [0, 4] {
        let seen = counts((0..5_000).map(|epoch| sampler.batch(epoch, 0)[place]), 10);
        assert!(chi_square(&seen, &[500.0; 10]) < 27.9, "{seen:?}");
    }
    let sampler = WithReplacement::new(10, 50, 100, 1).unwrap();
    let seen = counts(all(&sampler, 0).concat(), 10);
    assert!(chi_square(&seen, &[500.0; 10]) < 27.9, "{seen:?}");
}

#[test]
fn images_come_as_often_as_their_weight_says() {
    let weights = [1.0, 2.0, 0.0, 5.0, 2.0];
    let sampler = Weighted::new(&weights, 100, 100, 3).unwrap();
    let seen = counts(all(&sampler, 0).concat(), 5);
    assert_eq!(seen[2], 0);
    let seen = [seen[0], seen[1], seen[3], seen[4]];
    // 3 degrees of freedom: 16.3 is the 99.9th percentile.
    assert!(chi_square(&seen, &[1_000.0, 2_000.0, 5_000.0, 2_000.0]) < 16.3, "{seen:?}");
}

#[test]
fn classes_and_their_images_take_turns() {
    let labels: Vec<_> = (0..80).map(|index| Some(index % 8)).collect();
    let config = BalancedConfig {
        classes_per_batch: 3,
        examples_per_class: 2,
        batches_per_epoch: 40,
        ..BalancedConfig::default()
    };
    let sampler = Balanced::new(&labels, config).unwrap();
    // 40 batches of 3 of 8 classes: each 15 times. 15 × 2 of 10 images: each 3 times.
    assert_eq!(counts(all(&sampler, 0).concat(), 80), [3; 80]);
    assert!((examples_per_class(&sampler, &labels, 40) - 2.0).abs() < 1e-12);
    // Pairs of classes are not fixed.
    let pairs: HashSet<Vec<usize>> = all(&sampler, 0)
        .iter()
        .map(|batch| sorted(batch.iter().map(|i| i % 8).collect()))
        .collect();
    assert!(pairs.len() > 20, "{}", pairs.len());
}

#[test]
fn the_class_list_the_count_and_the_warm_up_limit_what_is_drawn() {
    let labels: Vec<_> = (0..90).map(|index| Some(index % 9)).collect();
    let config = BalancedConfig {
        class_list: Some(vec![7, 2, 5, 3]),
        total_examples_per_class: Some(4),
        warm_up: Some(WarmUp { epochs: 2, classes: 2 }),
        batches_per_epoch: 50,
        ..BalancedConfig::default()
    };
    let sampler = Balanced::new(&labels, config).unwrap();
    let classes =
        |epoch| -> HashSet<usize> { all(&sampler, epoch).concat().iter().map(|i| i % 9).collect() };
    assert_eq!(classes(0), HashSet::from([7, 2]));
    assert_eq!(classes(1), HashSet::from([7, 2]));
    assert_eq!(classes(2), HashSet::from([7, 2, 5, 3]));
    let images: HashSet<usize> = (0..9).flat_map(|epoch| all(&sampler, epoch).concat()).collect();
    assert_eq!(images.len(), 4 * 4, "the same four of each class in all epochs");
}

#[test]
fn single_shot_makes_every_image_a_class() {
    let sampler = SingleShot(Shuffled::new(20, 5, 0).unwrap());
    assert_eq!(sampler.label(13, Some(2)), Some(13));
    assert!((examples_per_class(&sampler, &[Some(0); 20], 4) - 1.0).abs() < 1e-12);
}

#[test]
fn settings_that_make_no_sense_are_named() {
    fn message<S>(made: Result<S, SamplerError>) -> String {
        made.err().unwrap().to_string()
    }
    assert!(message(Shuffled::new(3, 4, 0)).contains("batch of 4"));
    assert!(message(Shuffled::new(3, 0, 0)).contains("`batch_size`"));
    assert!(message(WithReplacement::new(0, 4, 1, 0)).contains("`samples`"));
    assert!(message(WithReplacement::new(3, 4, 0, 0)).contains("`batches_per_epoch`"));
    for weights in [&[1.0, -1.0][..], &[0.0, 0.0], &[f64::NAN], &[f64::INFINITY, 1.0], &[]] {
        assert!(message(Weighted::new(weights, 1, 1, 0)).contains("`weights`"), "{weights:?}");
    }
    let shuffled = || Shuffled::new(9, 6, 0).unwrap();
    assert!(message(Sharded::new(shuffled(), 0, 0)).contains("`shards`"));
    assert!(message(Sharded::new(shuffled(), 3, 3)).contains("`shard`"));
    assert!(message(Sharded::new(shuffled(), 0, 4)).contains("`batch_size`"));
    let balanced = |change: fn(&mut BalancedConfig)| {
        let mut config = BalancedConfig::default();
        change(&mut config);
        message(Balanced::new(&[Some(0), Some(1), None, Some(3)], config))
    };
    assert!(balanced(|c| c.classes_per_batch = 4).contains("`classes_per_batch`"));
    assert!(balanced(|c| c.examples_per_class = 0).contains("`examples_per_class`"));
    assert!(
        balanced(|c| c.total_examples_per_class = Some(0)).contains("`total_examples_per_class`")
    );
    assert!(
        balanced(|c| c.class_list = Some(vec![0, 2]))
            .contains("`class_list` of the sampler has class 2")
    );
    assert!(balanced(|c| c.class_list = Some(vec![0, 0])).contains("`class_list`"));
    assert!(balanced(|c| c.warm_up = Some(WarmUp { epochs: 1, classes: 1 })).contains("`warm_up`"));
}

#[test]
fn the_config_is_a_value_with_no_unknown_keys() {
    let config: BalancedConfig = serde_json::from_str(r#"{"classes_per_batch": 5}"#).unwrap();
    assert_eq!(config, BalancedConfig { classes_per_batch: 5, ..BalancedConfig::default() });
    assert!(serde_json::from_str::<BalancedConfig>(r#"{"classes": 5}"#).is_err());
}
