//! Every loss against independent values and gradients, from the fixture or the file
//! `SELFSAME_GOLDEN` names.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    reason = "a case that cannot be read fails the test; the errors found are to be seen"
)]

mod case;
mod labels;
mod many_views;
mod two_views;

use std::collections::BTreeMap;

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

#[test]
fn every_case_has_the_value_and_the_gradients() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/golden.json");
    let path = std::env::var("SELFSAME_GOLDEN").unwrap_or_else(|_| fixture.to_owned());
    let file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let mut worst = BTreeMap::<&str, (usize, f64, f64)>::new();
    for json in file["cases"].as_array().unwrap() {
        let case = Case::new(json);
        let name = case.loss();
        let loss = two_views::loss(&case)
            .or_else(|| many_views::loss(&case))
            .or_else(|| labels::loss(&case))
            .unwrap_or_else(|| panic!("unknown loss `{name}`"));
        let (value, gradient) = case.errors(loss);
        let params = &json["params"];
        assert!(value <= 1e-4, "{name} {params}: the value is off by {value}");
        assert!(gradient <= tolerance(name), "{name} {params}: a gradient is off by {gradient}");
        let entry = worst.entry(name).or_default();
        *entry = (entry.0 + 1, entry.1.max(value), entry.2.max(gradient));
    }
    assert!(!worst.is_empty(), "{path} holds no case");
    for (loss, (cases, value, gradient)) in worst {
        println!(
            "{loss:14} {cases:3} cases, worst value {value:.1e}, worst gradient {gradient:.1e}"
        );
    }
}
