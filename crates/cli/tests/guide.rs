//! Runs the commands of the guide and of the front pages, chapter by chapter, on small data.

#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    reason = "a test may panic, and draws colors"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use image::{ImageBuffer, Luma, Rgb, RgbImage};

/// Pages with commands, from the root of the repository; the guide's chapters come to them.
const PAGES: [&str; 2] = ["README.md", "crates/cli/README.md"];

/// Draws stripes whose direction tells the class.
fn stripes(class: u32, number: u32) -> RgbImage {
    RgbImage::from_fn(40, 36, |x, y| {
        let along = if class == 0 { x } else { y } + number;
        let bright = if (along / 4).is_multiple_of(2) { 220 } else { 30 };
        Rgb([bright, (number * 37 % 256) as u8, 90])
    })
}

fn classes(folder: &Path, images: u32) {
    for (class, name) in ["cats", "dogs"].into_iter().enumerate() {
        fs::create_dir_all(folder.join(name)).unwrap();
        for number in 0..images {
            let image = stripes(class as u32, number);
            image.save(folder.join(name).join(format!("{number}.png"))).unwrap();
        }
    }
}

/// Makes the data that the guide's commands name.
fn data(root: &Path) {
    classes(&root.join("photos"), 24);
    classes(&root.join("labeled/train"), 16);
    classes(&root.join("labeled/test"), 6);
    stripes(0, 99).save(root.join("cat.jpg")).unwrap();
    fs::create_dir(root.join("scans")).unwrap();
    for number in 0..24 {
        let deep = |x: u32, y: u32| Luma([((x * 97 + y * 31 + number * 53) % 4_096) as u16]);
        let scan: ImageBuffer<Luma<u16>, Vec<u16>> = ImageBuffer::from_fn(40, 36, deep);
        scan.save(root.join(format!("scans/{number}.png"))).unwrap();
    }
}

/// Returns the commands of the program in blocks of `sh`, in order.
fn commands(page: &str) -> Vec<Vec<&str>> {
    let mut found = Vec::new();
    let mut is_shell = false;
    for line in page.lines() {
        if let Some(language) = line.strip_prefix("```") {
            is_shell = language == "sh";
        } else if is_shell && line.starts_with("selfsame ") {
            let words = line.split_once(" #").map_or(line, |(command, _)| command);
            found.push(words.split_whitespace().skip(1).collect());
        }
    }
    found
}

/// Adds options that make a run small, where the command has no such option of its own.
fn small<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut all = words.to_vec();
    if words[0] != "pretrain" {
        return all;
    }
    let options = [
        // Settings from a file, and from weights, are those of a run that was small; an encoder by
        // its name may be exported by it.
        (["--width", "--config", "--init", "--model"], "4"),
        (["--batch-size", "--config", "", ""], "8"),
        (["--epochs", "--config", "", ""], "1"),
    ];
    for (given, value) in options {
        if !given.iter().any(|given| words.contains(given)) {
            all.extend([given[0], value]);
        }
    }
    if !words.contains(&"--quick") && !words.contains(&"--config") {
        all.push("--quick");
    }
    all
}

#[test]
fn every_command_of_the_guide_runs() {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let guide = fs::read_dir(repository.join("docs/guide")).unwrap();
    let chapters = guide.map(|entry| entry.unwrap().path());
    let mut pages: Vec<PathBuf> = chapters
        .filter(|path| path.extension().is_some_and(|ending| ending == "md"))
        .chain(PAGES.map(|page| repository.join(page)))
        .collect();
    pages.sort();
    let mut run = 0;
    for page in pages {
        let text = fs::read_to_string(&page).unwrap();
        let commands = commands(&text);
        if commands.is_empty() {
            continue;
        }
        let root = tempfile::tempdir().unwrap();
        data(root.path());
        for words in commands {
            let mut program = Command::new(env!("CARGO_BIN_EXE_selfsame"));
            program.args(small(&words)).current_dir(root.path()).stdin(Stdio::null());
            let output = program.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {words:?}\n{said}", page.display());
            assert!(!said.contains("panicked"), "{words:?}\n{said}");
            run += 1;
        }
    }
    assert!(run > 60, "only {run} commands were found");
}
