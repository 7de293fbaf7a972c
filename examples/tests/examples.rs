//! Runs the short examples as their users do, as programs, and checks that each method learns.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::process::{Command, Stdio};

/// Runs an example and returns what it prints.
///
/// `cargo test` builds examples in a folder next to that of its test programs.
fn printed(example: &str) -> String {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    let program = path.join("examples").join(format!("{example}{}", std::env::consts::EXE_SUFFIX));
    let output = Command::new(program).stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{example}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Checks that `example` trains these methods, and that each finds more neighbors of the right class
/// than its random encoder; returns what it prints.
fn learns(example: &str, methods: &[&str]) -> String {
    let text = printed(example);
    let lines: Vec<&str> = text.lines().filter(|line| line.contains("kNN before")).collect();
    assert_eq!(lines.len(), methods.len(), "{text}");
    for (line, method) in lines.into_iter().zip(methods) {
        let number = |name: &str| -> f64 {
            let words = line.split_whitespace().skip_while(|word| *word != name);
            words.skip(1).map(|word| word.parse().unwrap()).next().unwrap()
        };
        let (before, after) = (number("before"), number("after"));
        assert!(line.starts_with(method), "{method}: {line}");
        assert!(0.0 < before && before < after && after <= 1.0, "{line}");
    }
    text
}

#[test]
fn the_loop_by_hand_learns_and_its_encoder_can_be_loaded() {
    assert!(learns("by_hand", &["BYOL"]).contains("features are equal"));
}

#[test]
fn contrastive_methods_learn() {
    learns("contrastive", &["SimCLR", "MoCo v2"]);
}

#[test]
fn methods_without_negatives_learn() {
    learns("distillation", &["SimSiam", "BYOL", "DINO"]);
}

#[test]
fn decorrelating_methods_learn_and_vicreg_logs_its_terms() {
    let text = learns("decorrelation", &["Barlow Twins", "VICReg"]);
    let table: Vec<&str> = text.lines().skip_while(|line| !line.starts_with("epoch")).collect();
    assert_eq!(table.len(), 11, "a row for each of ten epochs: {text}");
}

#[test]
fn a_custom_method_learns() {
    assert!(learns("custom_method", &["mean shift"]).contains("\"neighbors\":5"));
}

#[test]
fn a_custom_loss_trains() {
    learns("custom_loss", &["spectral contrast"]);
}

#[test]
fn custom_views_train() {
    learns("custom_augmentation", &["colors trade places", "one of three changes"]);
}

#[test]
fn a_custom_data_set_is_learned_from() {
    learns("custom_dataset", &["SimCLR"]);
}

#[test]
fn a_custom_callback_stops_the_run_and_stops_it_again_when_it_is_resumed() {
    let text = learns("custom_callback", &["SimCLR"]);
    assert!(text.contains("stopped after step") && text.contains("is enough"), "{text}");
    let again = text.lines().find(|line| line.starts_with("resumed")).unwrap();
    assert!(again.contains("is enough"), "{again}");
}

#[test]
fn signals_are_learned_from() {
    learns("signals_1d", &["waves"]);
}
