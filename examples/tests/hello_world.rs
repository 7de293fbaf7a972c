//! Runs `hello_world` as its readers do, as a program.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::process::{Child, Command, Stdio};

/// `cargo test` builds examples in a folder next to that of its test programs.
fn start(argument: &str) -> Child {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    let name = format!("hello_world{}", std::env::consts::EXE_SUFFIX);
    let mut command = Command::new(path.join("examples").join(name));
    command.arg(argument).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Returns the rows of the table: labels per class, and both accuracies in percent.
fn rows(stdout: &str) -> Vec<[f64; 3]> {
    let numbers = |line: &str| -> Vec<f64> {
        line.split_whitespace().filter_map(|word| word.parse().ok()).collect()
    };
    stdout.lines().skip(1).map(|line| numbers(line).try_into().expect(line)).collect()
}

#[test]
fn the_table_has_each_number_of_labels_and_a_second_run_says_the_same() {
    let [first, second] = ["--quick"; 2].map(start).map(|run| run.wait_with_output().unwrap());
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let stdout = String::from_utf8(first.stdout).unwrap();
    let rows = rows(&stdout);
    assert_eq!(rows.iter().map(|row| row[0]).collect::<Vec<_>>(), [1.0, 10.0, 100.0], "{stdout}");
    // Ten classes; a tenth is chance, and a random encoder has less than a third with all labels.
    let [[_, one, _], _, [_, all, _]] = rows[..] else { panic!("{stdout}") };
    assert!(10.0 < one && one < all && 35.0 < all, "{stdout}");
    assert_eq!(second.stdout, stdout.into_bytes());
}

#[test]
fn an_option_that_it_does_not_have_is_refused() {
    let output = start("--data").wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && stderr.contains("`selfsame pretrain`"), "{stderr}");
}
