//! Compares every metric with its plain definition: the cases of the fixtures, or of the file that
//! `SELFSAME_GOLDEN` names.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test may panic and print, and reads small values"
)]

use std::collections::BTreeMap;

use selfsame_metrics::{
    ConfusionMatrix, Features, Knn, LabeledFeatures, MetricError, alignment, alpha_req,
    average_precision, covariance_spectrum, dead_units, intrinsic_dimension, lidar,
    mean_average_precision_at_k, ndcg, ndcg_at_k, nesum, precision_at_k, rankme, recall_at_k,
    roc_auc, std_of_l2_normalized, uniformity,
};
use serde_json::Value;

fn values(packed: &Value) -> Vec<f64> {
    match packed.as_f64() {
        Some(value) => vec![value],
        None => packed["data"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect(),
    }
}

struct Case<'a>(&'a Value);

/// A metric of a labeled gallery, labeled queries and `k`.
type Retrieval = fn(LabeledFeatures<'_>, LabeledFeatures<'_>, usize) -> Result<f64, MetricError>;

/// A metric of distances, each with whether the labels match.
type Pairs = fn(&[f32], &[bool]) -> Result<f64, MetricError>;

impl Case<'_> {
    fn features(&self, name: &str) -> Features {
        let input = &self.0["inputs"][name];
        let dim = input["shape"][1].as_u64().unwrap() as usize;
        Features::new(dim, values(input).into_iter().map(|x| x as f32).collect()).unwrap()
    }

    fn labels(&self, name: &str) -> Vec<usize> {
        values(&self.0["inputs"][name]).into_iter().map(|x| x as usize).collect()
    }

    fn param(&self, name: &str) -> f64 {
        self.0["params"][name].as_f64().unwrap_or_else(|| panic!("no parameter `{name}`"))
    }

    /// Fails at an unknown parameter, and at an unknown meaning of a known one.
    fn only(&self, known: &[&str], meaning: Option<&str>) {
        for (key, value) in self.0["params"].as_object().unwrap() {
            match key.as_str() {
                "meaning" => assert_eq!(value.as_str(), meaning, "another meaning"),
                "distance" => assert_eq!(value, "cosine", "unknown distance"),
                key => assert!(known.contains(&key), "unknown parameter `{key}`"),
            }
        }
    }

    fn retrieval(&self, metric: Retrieval, meaning: Option<&str>) -> Vec<f64> {
        self.only(&["k"], meaning);
        let (train, labels) = (self.features("train"), self.labels("train_labels"));
        let (query, query_labels) = (self.features("query"), self.labels("query_labels"));
        let train = LabeledFeatures::new(&train, &labels).unwrap();
        let query = LabeledFeatures::new(&query, &query_labels).unwrap();
        vec![metric(train, query, self.param("k") as usize).unwrap()]
    }

    fn run(&self) -> Vec<f64> {
        match self.0["metric"].as_str().unwrap() {
            "knn_top1" => {
                self.only(&["k", "temperature", "classes"], None);
                let knn =
                    Knn { k: self.param("k") as usize, temperature: self.param("temperature") };
                let (train, labels) = (self.features("train"), self.labels("train_labels"));
                let (query, query_labels) = (self.features("query"), self.labels("query_labels"));
                let classes = self.param("classes") as usize;
                let train = LabeledFeatures::new(&train, &labels).unwrap();
                let query = LabeledFeatures::new(&query, &query_labels).unwrap();
                vec![knn.accuracy(train, query, classes).unwrap()]
            }
            "precision_at_k" => self.retrieval(precision_at_k, None),
            "recall_at_k" => {
                self.retrieval(recall_at_k, Some("share of queries with at least one hit"))
            }
            "map_at_k" => self.retrieval(mean_average_precision_at_k, Some("divided by min(R, k)")),
            "ndcg_at_k" => self.retrieval(
                ndcg_at_k,
                Some("binary gains; ideal from all relevant items in the index"),
            ),
            "rankme" => self.alone(|z| rankme(z).unwrap()),
            "std_of_l2_normalized" => self.alone(std_of_l2_normalized),
            "nesum" => self.alone(|z| nesum(z).unwrap()),
            "covariance_spectrum" => {
                self.only(&[], None);
                covariance_spectrum(&self.features("z")).unwrap()
            }
            "alignment" => {
                self.only(&["alpha"], None);
                let (a, b) = (self.features("z_a"), self.features("z_b"));
                vec![alignment(&a, &b, self.param("alpha")).unwrap()]
            }
            "uniformity" => {
                self.only(&["t"], None);
                vec![uniformity(&self.features("z"), self.param("t")).unwrap()]
            }
            "alpha_req" => {
                self.only(&["first", "last"], None);
                let ranks = self.param("first") as usize..=self.param("last") as usize;
                vec![alpha_req(&self.features("z"), ranks).unwrap()]
            }
            "lidar" => {
                self.only(&["delta"], None);
                let count = self.0["inputs"].as_object().unwrap().len();
                let views: Vec<Features> =
                    (0..count).map(|view| self.features(&format!("view_{view}"))).collect();
                vec![lidar(&views, self.param("delta")).unwrap()]
            }
            "intrinsic_dimension" => self.alone(|z| intrinsic_dimension(z).unwrap()),
            "dead_units" => {
                self.only(&["share"], None);
                let dead = dead_units(&self.features("z"), self.param("share")).unwrap();
                dead.into_iter().map(|unit| unit as f64).collect()
            }
            "roc_auc" => self.of_pairs(roc_auc),
            "average_precision" => self.of_pairs(average_precision),
            "ndcg" => {
                self.only(&["k"], None);
                let input = |name: &str| values(&self.0["inputs"][name]);
                let k = self.param("k") as usize;
                vec![ndcg(&input("retrieved"), &input("all"), k).unwrap()]
            }
            "confusion_matrix" => {
                self.only(&["classes"], None);
                let classes = self.param("classes") as usize;
                let (labels, predictions) = (self.labels("labels"), self.labels("predictions"));
                let matrix = ConfusionMatrix::new(&labels, &predictions, classes).unwrap();
                let cells = (0..classes).flat_map(|l| (0..classes).map(move |p| (l, p)));
                cells.map(|(label, prediction)| matrix.count(label, prediction) as f64).collect()
            }
            other => panic!("unknown metric `{other}`"),
        }
    }

    fn of_pairs(&self, metric: Pairs) -> Vec<f64> {
        self.only(&[], None);
        let input = |name: &str| values(&self.0["inputs"][name]).into_iter();
        let distances: Vec<f32> = input("distances").map(|x| x as f32).collect();
        let matches: Vec<bool> = input("matches").map(|x| x > 0.5).collect();
        vec![metric(&distances, &matches).unwrap()]
    }

    fn alone(&self, metric: impl Fn(&Features) -> f64) -> Vec<f64> {
        self.only(&[], None);
        vec![metric(&self.features("z"))]
    }
}

/// Returns the paths of the files of cases.
fn files() -> Vec<String> {
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/");
    let own = || ["golden.json", "health.json"].map(|name| format!("{fixtures}{name}")).to_vec();
    std::env::var("SELFSAME_GOLDEN").map_or_else(|_| own(), |path| vec![path])
}

#[test]
fn every_case_equals_its_definition() {
    files().iter().for_each(|path| compare(path));
}

fn compare(path: &str) {
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let mut worst = BTreeMap::<&str, (usize, f64)>::new();
    for case in file["cases"].as_array().unwrap() {
        let metric = case["metric"].as_str().unwrap();
        let (found, want) = (Case(case).run(), values(&case["value"]));
        assert_eq!(found.len(), want.len(), "{metric}");
        let apart = found.iter().zip(&want).map(|(a, b)| (a - b).abs() / b.abs().max(1.0));
        let off = apart.clone().fold(0.0, f64::max);
        // A tie may move one query; nothing else of kNN may differ.
        let queries = case["inputs"]["query"]["shape"][0].as_f64().unwrap_or(1.0);
        let tolerance = if metric == "knn_top1" { 1.0 / queries + 1e-9 } else { 1e-5 };
        // Of each value, as the maximum would hide NaN.
        let close = apart.clone().all(|off| off <= tolerance);
        assert!(close, "{metric} {}: {found:?} is not {want:?}", case["params"]);
        let entry = worst.entry(metric).or_default();
        *entry = (entry.0 + 1, entry.1.max(off));
    }
    assert!(!worst.is_empty(), "{path} holds no cases");
    for (metric, (cases, off)) in worst {
        println!("{metric:22} {cases:3} cases, worst {off:.1e}");
    }
}
