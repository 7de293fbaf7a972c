use super::*;
use crate::Features;

/// Lists of masks such as "TTF": rows of the query's label where it says T, of another where F.
struct Masks {
    gallery: Vec<usize>,
    rows: Vec<Vec<u32>>,
    distances: Vec<Vec<f32>>,
    labels: Vec<usize>,
}

impl Masks {
    /// The gallery holds two rows of each of the labels 0, 1 and 9.
    fn new(lists: &[(usize, &str, [f32; 3])]) -> Self {
        let gallery = vec![0, 0, 1, 1, 9, 9];
        let mut masks = Self { gallery, rows: vec![], distances: vec![], labels: vec![] };
        for (label, mask, distances) in lists {
            let (mut own, mut other) = (2 * u32::try_from(*label).unwrap().., 4_u32..);
            let row = |hit| if hit { own.next() } else { other.next() };
            masks.rows.push(mask.chars().map(|c| c == 'T').filter_map(row).collect());
            masks.distances.push(distances.to_vec());
            masks.labels.push(*label);
        }
        masks
    }

    fn evaluate(&self, retrieval: Retrieval) -> Result<RetrievalFigures, MetricError> {
        let lists = self.rows.iter().zip(&self.distances);
        let lists: Vec<Retrieved<'_>> =
            lists.map(|(rows, distances)| Retrieved { rows, distances }).collect();
        retrieval.evaluate(&lists, &self.gallery, &self.labels)
    }
}

fn near(found: f64, want: f64) {
    assert!((found - want).abs() < 1e-6, "{found} is not {want}");
}

#[test]
fn figures_are_those_of_tensorflow_similaritys_tests() {
    let (close, far) = ([0.01, 0.02, 0.03], [0.05, 0.06, 0.2]);
    let lists = [(1, "TTF", close), (1, "TTF", close), (1, "TTF", close), (0, "FFT", far)];
    let masks = Masks::new(&lists);
    let both = |retrieval: Retrieval, figure: fn(&RetrievalFigures) -> f64| {
        let means = [Average::Micro, Average::Macro]
            .map(|average| masks.evaluate(Retrieval { average, ..retrieval }).unwrap());
        means.map(|figures| figure(&figures))
    };
    let (two, three) =
        (Retrieval { k: 2, ..Retrieval::default() }, Retrieval { k: 3, ..Retrieval::default() });
    let [micro, macro_] = both(three, |figures| figures.precision);
    near(micro, 0.583_333);
    near(macro_, 0.5);
    let [micro, macro_] = both(two, |figures| figures.hit_rate);
    near(micro, 0.75);
    near(macro_, 0.5);
    let [micro, macro_] = both(two, |figures| figures.ndcg);
    near(micro, 0.75);
    near(macro_, 0.5);
    let [micro, _] = both(Retrieval { max_distance: Some(0.1), ..three }, |figures| figures.ndcg);
    near(micro, 0.75);
}

#[test]
fn all_rows_of_one_class_are_perfect() {
    let features = Features::new(2, (0..12_u8).map(f32::from).collect()).unwrap();
    let labeled = LabeledFeatures::new(&features, &[3; 6]).unwrap();
    for (k, drop_self) in [(1, false), (5, true), (100, false), (100, true)] {
        let retrieval = Retrieval { k, drop_self, ..Retrieval::default() };
        let figures = retrieval.of(labeled, labeled).unwrap();
        near(figures.precision, 1.0);
        near(figures.map, 1.0);
        near(figures.ndcg, 1.0);
        let relevant = if drop_self { 5.0 } else { 6.0 };
        near(figures.recall, (k as f64 / relevant).min(1.0));
    }
}

#[test]
fn a_query_does_not_retrieve_itself_even_beside_duplicates() {
    // Rows 0 and 1 are equal but of different classes, so each retrieves a miss first.
    let features = Features::new(2, vec![1.0, 0.0, 1.0, 0.0, 0.9, 0.1, 0.9, 0.1]).unwrap();
    let labeled = LabeledFeatures::new(&features, &[0, 1, 0, 1]).unwrap();
    let retrieval = Retrieval { k: 1, drop_self: true, ..Retrieval::default() };
    near(retrieval.of(labeled, labeled).unwrap().precision, 0.0);
    let with_self = Retrieval { drop_self: false, ..retrieval };
    near(with_self.of(labeled, labeled).unwrap().precision, 0.5);
}

#[test]
fn classes_weigh_alike_in_a_macro_mean() {
    let gallery = Features::new(1, vec![1.0, -1.0]).unwrap();
    let gallery = LabeledFeatures::new(&gallery, &[0, 1]).unwrap();
    let queries = Features::new(1, vec![1.0, 2.0, 3.0, 4.0]).unwrap();
    let queries = LabeledFeatures::new(&queries, &[0, 0, 0, 1]).unwrap();
    let retrieval = Retrieval { k: 1, ..Retrieval::default() };
    near(retrieval.of(gallery, queries).unwrap().precision, 0.75);
    let macro_ = Retrieval { average: Average::Macro, ..retrieval };
    near(macro_.of(gallery, queries).unwrap().precision, 0.5);
}

#[test]
fn queries_without_a_relevant_row_count_zero_and_are_counted() {
    let gallery = Features::new(1, vec![1.0]).unwrap();
    let gallery = LabeledFeatures::new(&gallery, &[0]).unwrap();
    let queries = Features::new(1, vec![1.0, 1.0]).unwrap();
    let queries = LabeledFeatures::new(&queries, &[0, 8]).unwrap();
    let figures = Retrieval::default().of(gallery, queries).unwrap();
    assert_eq!((figures.queries, figures.without_relevant), (2, 1));
    near(figures.precision, 0.5);
    near(figures.ndcg, 0.5);
}

#[test]
fn rows_beyond_the_largest_distance_miss_but_keep_their_rank() {
    let masks = Masks::new(&[(1, "TTF", [0.1, 0.3, 0.5])]);
    let at = |max_distance| {
        let retrieval = Retrieval { k: 3, max_distance, ..Retrieval::default() };
        masks.evaluate(retrieval).unwrap()
    };
    near(at(None).recall, 1.0);
    near(at(Some(0.3)).recall, 1.0); // as f32, so equal
    near(at(Some(0.2)).recall, 0.5);
    near(at(Some(0.2)).precision, 1.0 / 3.0);
    near(at(Some(0.0)).hit_rate, 0.0);
}

#[test]
fn inputs_that_do_not_fit_are_errors() {
    let one = |rows: &[u32], distances: &[f32]| {
        let lists = [Retrieved { rows, distances }];
        Retrieval { k: 2, ..Retrieval::default() }.evaluate(&lists, &[0, 0, 0], &[0])
    };
    assert!(one(&[0, 1], &[0.1, 0.2]).is_ok());
    assert_eq!(one(&[0], &[0.1]), Err(MetricError::Rows { rows: 1, least: 2 }));
    assert_eq!(one(&[0, 1], &[0.1]), Err(MetricError::Pairs { first: 2, second: 1 }));
    for distances in [[0.2, 0.1], [f32::NAN, 0.1], [0.1, f32::NAN]] {
        let error = one(&[0, 1], &distances).unwrap_err();
        assert_eq!(error.to_string(), "`distances` must be ascending, without NaN");
    }
    assert!(one(&[0, 7], &[0.1, 0.2]).is_err());
    let none = Retrieval::default().evaluate(&[], &[0], &[]);
    assert_eq!(none, Err(MetricError::Rows { rows: 0, least: 1 }));
    let count = Retrieval::default().evaluate(&[], &[0], &[1]);
    assert_eq!(count, Err(MetricError::LabelCount { labels: 1, rows: 0 }));

    let features = Features::new(1, vec![1.0, 2.0]).unwrap();
    let labeled = LabeledFeatures::new(&features, &[0, 1]).unwrap();
    let one = Features::new(1, vec![1.0]).unwrap();
    let one = LabeledFeatures::new(&one, &[0]).unwrap();
    let dropping = Retrieval { drop_self: true, ..Retrieval::default() };
    assert_eq!(dropping.of(labeled, one), Err(MetricError::Pairs { first: 1, second: 2 }));
    assert_eq!(dropping.of(one, one), Err(MetricError::Rows { rows: 1, least: 2 }));
    assert!(Retrieval { k: 0, ..dropping }.of(labeled, labeled).is_err());
    let nan = Retrieval { max_distance: Some(f64::NAN), ..dropping };
    assert!(nan.of(labeled, labeled).is_err());
    let everything = Retrieval { k: usize::MAX, ..dropping };
    assert!(everything.of(labeled, labeled).is_ok());
}

#[test]
fn settings_from_a_file_have_defaults_and_no_unknown_keys() {
    let retrieval: Retrieval = serde_json::from_str(r#"{"k": 3, "average": "macro"}"#).unwrap();
    let want = Retrieval { k: 3, average: Average::Macro, ..Retrieval::default() };
    assert_eq!(retrieval, want);
    assert!(serde_json::from_str::<Retrieval>(r#"{"k": 3, "radius": 1.0}"#).is_err());
}
