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

/// Returns the accuracy of nearest neighbors and of the linear probe, in percent.
fn accuracies(stdout: &str, encoder: &str) -> [f64; 2] {
    let line = stdout.lines().find(|line| line.starts_with(encoder)).expect(stdout);
    let (neighbors, probe) = line.split_once(',').expect(line);
    [neighbors, probe].map(|part| {
        let number = part.trim_end_matches(" %").rsplit(' ').next().unwrap();
        number.parse().expect(line)
    })
}

#[test]
fn the_trained_encoder_is_better_than_the_random_one_and_a_second_run_says_the_same() {
    let [first, second] = ["--quick"; 2].map(start).map(|run| run.wait_with_output().unwrap());
    assert!(first.status.success(), "{}", String::from_utf8_lossy(&first.stderr));
    let stdout = String::from_utf8(first.stdout).unwrap();
    let random = accuracies(&stdout, "random encoder");
    let trained = accuracies(&stdout, "trained encoder");
    // Ten classes; a tenth is chance.
    for (random, trained) in random.into_iter().zip(trained) {
        assert!(5.0 < random && random + 10.0 < trained && trained <= 100.0, "{stdout}");
    }
    assert_eq!(second.stdout, stdout.into_bytes());
}

#[test]
fn an_option_that_it_does_not_have_is_refused() {
    let output = start("--data").wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && stderr.contains("`selfsame pretrain`"), "{stderr}");
}
