//! Every loss against independent values and gradients, from the fixtures or the file that
//! `SELFSAME_GOLDEN` names; `README.md` beside this file says where they come from.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::print_stdout,
    reason = "a case that cannot be read fails the test; the errors found are to be seen"
)]

mod case;
mod labels;
mod many_views;
mod params;
mod prototypes;
mod queries;
mod two_views;

use std::collections::BTreeMap;

use burn::tensor::Tensor;
use case::Case;
use serde_json::Value;

/// The largest relative error of a gradient: looser where the reference decomposes a matrix or
/// divides by small numbers.
fn tolerance(loss: &str) -> f64 {
    match loss {
        "mmcr" | "frossl" | "emp_ssl" | "dclw" => 1e-3,
        _ => 1e-4,
    }
}

fn loss(case: &Case) -> Tensor<1> {
    let kinds = [two_views::loss, queries::loss, prototypes::loss, many_views::loss, labels::loss];
    let loss = kinds.iter().find_map(|kind| kind(case));
    let loss = loss.unwrap_or_else(|| panic!("unknown loss `{}`", case.loss()));
    case.assert_all_read();
    loss
}

#[derive(Default)]
struct Worst {
    cases: usize,
    value: f64,
    gradient: f64,
}

fn cases() -> Vec<Value> {
    let fixtures = ["golden.json", "golden_more.json"];
    let fixture = |name| format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
    let named = std::env::var("SELFSAME_GOLDEN");
    let paths = named.map_or_else(|_| fixtures.map(fixture).to_vec(), |path| vec![path]);
    let read = |path: &String| {
        let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
        file["cases"].as_array().unwrap().clone()
    };
    let cases: Vec<Value> = paths.iter().flat_map(read).collect();
    assert!(!cases.is_empty(), "{paths:?} hold no case");
    cases
}

#[test]
fn every_case_has_the_value_and_the_gradients() {
    let mut worst = BTreeMap::<String, Worst>::new();
    let mut failures = Vec::new();
    for json in &cases() {
        let case = Case::new(json);
        let name = case.loss();
        let (value, gradient) = case.errors(loss(&case));
        if !(value <= 1e-4 && gradient <= tolerance(name)) {
            let (params, note) = (&json["params"], &json["note"]);
            failures.push(format!(
                "{name} {params} {note}: value {value:.1e}, gradient {gradient:.1e}"
            ));
        }
        let entry = worst.entry(name.to_owned()).or_default();
        entry.cases += 1;
        entry.value = entry.value.max(value);
        entry.gradient = entry.gradient.max(gradient);
    }
    for (loss, Worst { cases, value, gradient }) in &worst {
        println!(
            "{loss:26} {cases:3} cases, worst value {value:.1e}, worst gradient {gradient:.1e}"
        );
    }
    assert!(failures.is_empty(), "off by too much:\n{}", failures.join("\n"));
}
