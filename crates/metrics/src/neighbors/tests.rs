use super::*;
use proptest::prelude::*;

/// Every distance, sorted.
fn naive(rows: &Features, distance: Distance, query: &[f32]) -> Vec<(u32, f64)> {
    let all = (0..).zip(rows.as_slice().chunks(rows.dim()));
    let all = all.map(|(i, row)| (i, distance.between(query, row)));
    let mut all: Vec<(u32, f64)> = all.collect();
    all.sort_by(|a, b| a.1.total_cmp(&b.1));
    all
}

/// Values with a known pattern between −1 and 1.
fn features(rows: usize, dim: usize, seed: u64) -> Features {
    let value = |i: u64| {
        let hashed = (i + 1 + (seed << 32)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let hashed = (hashed ^ (hashed >> 29)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (hashed >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    Features::new(dim, (0..(rows * dim) as u64).map(value).collect()).unwrap()
}

fn scaled(features: &Features, by: f32, plus: f32) -> Features {
    let data = features.as_slice().iter().map(|x| x * by + plus).collect();
    Features::new(features.dim(), data).unwrap()
}

/// The distances are those of the naive search, and each is that of its row.
fn assert_nearest(rows: &Features, queries: &Features, distance: Distance, k: usize, off: f64) {
    let found = NearestNeighbors::new(rows, distance).unwrap().search(queries, k).unwrap();
    assert_eq!((found.queries(), found.k()), (queries.rows(), k.min(rows.rows())));
    for query in 0..queries.rows() {
        let want = naive(rows, distance, queries.row(query));
        for (place, (row, d)) in found.indices(query).iter().zip(found.distances(query)).enumerate()
        {
            let own = distance.between(queries.row(query), rows.row(*row as usize));
            let near = |a: f64, b: f64| (a - b).abs() <= off * b.abs().max(1e-3);
            assert!(near(f64::from(*d), own), "{distance}: {d} is not {own}");
            let (_, best) = want[place];
            assert!(near(own, best), "{distance}, place {place}: {own} is not {best}");
        }
        let distinct: std::collections::BTreeSet<_> = found.indices(query).iter().collect();
        assert_eq!(distinct.len(), found.k());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn finds_what_a_plain_search_finds(
        rows in 1_usize..90, queries in 1_usize..9, dim in 1_usize..20, k in 1_usize..30,
        seed in 0_u64..1000,
    ) {
        let (rows, queries) = (features(rows, dim, seed), features(queries, dim, seed + 5000));
        for distance in Distance::ALL {
            // The variance of one element is 0.
            if distance != Distance::Snr || dim > 1 {
                assert_nearest(&rows, &queries, distance, k, 1e-4);
            }
        }
    }

    #[test]
    fn finds_all_rows_within_a_distance(
        rows in 1_usize..60, dim in 2_usize..12, seed in 0_u64..1000, place in 0_usize..60,
    ) {
        let (rows, queries) = (features(rows, dim, seed), features(3, dim, seed + 5000));
        for distance in Distance::ALL {
            let search = NearestNeighbors::new(&rows, distance).unwrap();
            let all = search.search(&queries, rows.rows()).unwrap();
            let limit = all.distances(0)[place % rows.rows()];
            let found = search.within(&queries, f64::from(limit)).unwrap();
            for (query, near) in found.iter().enumerate() {
                let pairs = all.indices(query).iter().copied().zip(all.distances(query).iter().copied());
                let want: Vec<_> = pairs.filter(|(_, d)| *d <= limit).collect();
                prop_assert_eq!(near, &want, "{}", distance);
            }
        }
    }
}

#[test]
fn blocks_of_queries_and_rows_have_no_seams() {
    let (rows, queries) = (features(2 * ROWS + 3, 8, 1), features(QUERIES + 2, 8, 2));
    for distance in Distance::ALL {
        assert_nearest(&rows, &queries, distance, 7, 1e-4);
    }
}

#[test]
fn rows_far_from_the_origin_and_extreme_norms_are_ranked() {
    let (rows, queries) = (features(300, 16, 3), features(5, 16, 4));
    for (by, plus) in [(1e-2, 100.0), (1e25, 0.0), (1e-25, 0.0), (1e18, 0.0)] {
        let (rows, queries) = (scaled(&rows, by, plus), scaled(&queries, by, plus));
        for distance in [Distance::Cosine, Distance::L2, Distance::L1, Distance::Snr] {
            if plus == 0.0 || distance != Distance::Cosine {
                assert_nearest(&rows, &queries, distance, 5, 1e-4);
            }
        }
    }
    // A query much longer than the rows, and the reverse.
    for (row, query) in [(1.0, 1e30), (1e30, 1.0), (1e-30, 1.0)] {
        assert_nearest(
            &scaled(&rows, row, 0.0),
            &scaled(&queries, query, 0.0),
            Distance::Cosine,
            5,
            1e-4,
        );
    }
}

#[test]
fn equal_rows_are_neighbors_in_their_order() {
    let one = features(1, 24, 9);
    let rows = Features::new(24, one.as_slice().repeat(1500)).unwrap();
    for distance in [Distance::Cosine, Distance::L2, Distance::L1, Distance::Snr, Distance::Dot] {
        let search = NearestNeighbors::new(&rows, distance).unwrap();
        let found = search.search(&one, 40).unwrap();
        assert_eq!(found.indices(0), (0..40).collect::<Vec<u32>>(), "{distance}");
        let others = search.search_others(3).unwrap();
        assert_eq!((others.indices(0), others.indices(700)), (&[1, 2, 3][..], &[0, 1, 2][..]));
    }
}

#[test]
fn a_row_is_left_out_by_index_and_k_is_cut_to_the_others() {
    let rows = Features::new(1, vec![1.0, 2.0, 1.0]).unwrap();
    let found = NearestNeighbors::new(&rows, Distance::L2).unwrap().search_others(9).unwrap();
    assert_eq!((found.queries(), found.k()), (3, 2));
    assert_eq!(found.indices(0), [2, 1]);
    assert_eq!(found.indices(1), [0, 2]);
    assert_eq!(found.distances(2), [0.0, 1.0]);
}

#[test]
fn zero_rows_are_orthogonal_and_no_queries_give_no_neighbors() {
    let rows = Features::new(2, vec![0.0, 0.0, 1.0, 0.0, -1.0, 0.0]).unwrap();
    let search = NearestNeighbors::new(&rows, Distance::Cosine).unwrap();
    let found = search.search(&Features::new(2, vec![3.0, 0.0, 0.0, 0.0]).unwrap(), 3).unwrap();
    assert_eq!((found.indices(0), found.distances(0)), (&[1, 0, 2][..], &[0.0, 1.0, 2.0][..]));
    assert_eq!((found.indices(1), found.distances(1)), (&[0, 1, 2][..], &[1.0; 3][..]));
    let none = Features::new(2, Vec::new()).unwrap();
    assert_eq!(search.search(&none, 3).unwrap().queries(), 0);
    assert!(search.within(&none, 1.0).unwrap().is_empty());
}

#[test]
fn inputs_that_do_not_fit_are_errors() {
    let rows = Features::new(1, vec![1.0]).unwrap();
    let none = Features::new(1, Vec::new()).unwrap();
    let wide = Features::new(2, vec![1.0, 1.0]).unwrap();
    let few = NearestNeighbors::new(&none, Distance::L2).unwrap_err();
    assert_eq!(few, MetricError::Rows { rows: 0, least: 1 });
    let search = NearestNeighbors::new(&rows, Distance::L2).unwrap();
    let width = MetricError::Width { first: 1, second: 2 };
    assert_eq!(search.search(&wide, 1), Err(width.clone()));
    assert_eq!(search.within(&wide, 1.0), Err(width));
    assert!(matches!(search.search(&rows, 0), Err(MetricError::Setting { key: "k", .. })));
    assert_eq!(search.search_others(1), Err(MetricError::Rows { rows: 1, least: 2 }));
    assert!(search.within(&rows, f64::NAN).is_err());
    assert_eq!(search.within(&rows, -1.0).unwrap(), [vec![]]);
}

#[test]
fn threads_do_not_change_a_bit() {
    let (rows, queries) = (features(5000, 12, 5), features(300, 12, 6));
    let found = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let search = NearestNeighbors::new(&rows, Distance::Cosine).unwrap();
        pool.install(|| search.search(&queries, 9).unwrap())
    };
    assert_eq!(found(1), found(3));
}
