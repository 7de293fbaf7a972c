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
    fs::create_dir(root.join("labeled/unlabeled")).unwrap();
    for number in 0..8 {
        let image = stripes(number % 2, 50 + number);
        image.save(root.join(format!("labeled/unlabeled/{number}.png"))).unwrap();
    }
    stripes(0, 99).save(root.join("cat.jpg")).unwrap();
    fs::create_dir(root.join("scans")).unwrap();
    for number in 0..24 {
        let deep = |x: u32, y: u32| Luma([((x * 97 + y * 31 + number * 53) % 4_096) as u16]);
        let scan: ImageBuffer<Luma<u16>, Vec<u16>> = ImageBuffer::from_fn(40, 36, deep);
        scan.save(root.join(format!("scans/{number}.png"))).unwrap();
    }
    let label = |number: u32| ["", "sound", "sick"][(number % 3) as usize];
    let rows = (0..24).map(|number| format!("scans/{number}.png,{}\n", label(number)));
    fs::write(root.join("scans.csv"), format!("path,label\n{}", rows.collect::<String>())).unwrap();
}

/// A block of a page that is done.
enum Step<'a> {
    /// A command, and the file that its output goes to.
    Command(Vec<&'a str>, Option<&'a str>),
    /// A file, which its first line names in a comment.
    File(&'a str, String),
}

/// Returns the files in blocks of `toml` and the commands in blocks of `sh`, in order.
fn steps(page: &str) -> Vec<Step<'_>> {
    let mut found = Vec::new();
    let mut language = "";
    for line in page.lines() {
        if let Some(begun) = line.strip_prefix("```") {
            language = begun;
        } else if language == "toml" {
            match (
                line.strip_prefix("# ").filter(|name| {
                    Path::new(name).extension().is_some_and(|ending| ending == "toml")
                }),
                found.last_mut(),
            ) {
                (Some(name), _) => found.push(Step::File(name, String::new())),
                (None, Some(Step::File(_, text))) => text.extend([line, "\n"]),
                (None, _) => {}
            }
        } else if language == "sh" && (line.starts_with("selfsame ") || line.starts_with("tar ")) {
            let words = line.split_once(" #").map_or(line, |(command, _)| command);
            let (words, file) = words
                .split_once(" > ")
                .map_or((words, None), |(words, file)| (words, Some(file.trim())));
            found.push(Step::Command(words.split_whitespace().collect(), file));
        }
    }
    found
}

/// Adds options that make a run small, where the command has no such option of its own.
fn small<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let mut all = words.to_vec();
    // The settings of a run are those of one that was small.
    if words[1] != "pretrain" || words.iter().any(|word| word.ends_with("settings.json")) {
        return all;
    }
    let options = [
        // So are weights; and an encoder by its name may be exported by it.
        (["--width", "--init", "--model"], "4"),
        (["--batch-size", "", ""], "8"),
        (["--epochs", "", ""], "1"),
    ];
    for (given, value) in options {
        if !given.iter().any(|given| words.contains(given)) {
            all.extend([given[0], value]);
        }
    }
    if !words.contains(&"--quick") {
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
        let steps = steps(&text);
        let root = tempfile::tempdir().unwrap();
        data(root.path());
        for step in steps {
            let (words, file) = match step {
                Step::Command(words, file) => (words, file),
                Step::File(name, text) => {
                    fs::write(root.path().join(name), text).unwrap();
                    continue;
                }
            };
            let name =
                if words[0] == "selfsame" { env!("CARGO_BIN_EXE_selfsame") } else { words[0] };
            let mut program = Command::new(name);
            program.args(&small(&words)[1..]).current_dir(root.path()).stdin(Stdio::null());
            let output = program.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{}: {words:?}\n{said}", page.display());
            if let Some(file) = file {
                fs::write(root.path().join(file), output.stdout).unwrap();
            }
            run += 1;
        }
    }
    assert!(run > 60, "only {run} commands were found");
}
