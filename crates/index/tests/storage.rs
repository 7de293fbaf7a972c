//! What a saved index survives, and what is refused.
#![allow(clippy::unwrap_used, reason = "a test may")]

use std::fs;
use std::path::{Path, PathBuf};

use selfsame_index::{CalibrationConfig, Index, IndexError, Item};
use selfsame_metrics::{Distance, Features};

/// An index of five rows with everything that can be saved.
fn sample() -> Index {
    let rows = Features::new(3, (0_u8..15).map(|i| f32::from(i).sin()).collect()).unwrap();
    let item = |i: usize| Item::named(format!("{i}.jpg")).with_label(i % 2).with("size", i);
    let items = (0..5).map(item).collect();
    let index = Index::from_features(rows, items, Distance::Snr).unwrap();
    let mut index = index.with_classes(vec!["cat".to_owned(), "dog \"é\"".to_owned()]).unwrap();
    index.calibrate_on_itself(&CalibrationConfig::default()).unwrap();
    index
}

fn saved() -> (tempfile::TempDir, Index) {
    let folder = tempfile::tempdir().unwrap();
    let index = sample();
    index.save(folder.path()).unwrap();
    (folder, index)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn refusal(folder: &Path) -> String {
    Index::load(folder).expect_err("a damaged index").to_string()
}

#[test]
fn an_index_of_every_distance_is_read_back_equal() {
    for distance in Distance::ALL {
        let folder = tempfile::tempdir().unwrap();
        let mut index = Index::new(2, distance).unwrap();
        index.save(folder.path()).unwrap();
        assert_eq!(Index::load(folder.path()).unwrap(), index, "empty");
        index.add(&[0.1, 1e-30], Item::labeled(2)).unwrap();
        index.add(&[3.0, 4.0], Item::default()).unwrap();
        index.save(folder.path()).unwrap();
        assert_eq!(Index::load(folder.path()).unwrap(), index);
        assert_eq!(files(folder.path()).len(), 3, "old data files are removed");
    }
}

#[test]
fn everything_is_saved_and_the_same_index_gives_the_same_bytes() {
    let (folder, index) = saved();
    let loaded = Index::load(folder.path()).unwrap();
    assert_eq!(loaded, index);
    assert_eq!(loaded.calibration(), index.calibration());
    let again = tempfile::tempdir().unwrap();
    loaded.save(again.path()).unwrap();
    for (a, b) in files(folder.path()).iter().zip(files(again.path())) {
        assert_eq!(a.file_name(), b.file_name());
        assert_eq!(fs::read(a).unwrap(), fs::read(b).unwrap());
    }
}

#[test]
fn a_loaded_index_grows_shrinks_and_is_saved_over_its_own_files() {
    let (folder, mut index) = saved();
    let mut loaded = Index::load(folder.path()).unwrap();
    for index in [&mut index, &mut loaded] {
        index.add(&[7.0, 8.0, 9.5], Item::named("new").with_label(0)).unwrap();
        index.remove_named("1.jpg").unwrap();
    }
    loaded.save(folder.path()).unwrap();
    assert_eq!(Index::load(folder.path()).unwrap(), index);
    assert_eq!(files(folder.path()).len(), 3);
}

#[test]
fn a_flipped_bit_anywhere_is_refused_by_the_name_of_the_file() {
    let (folder, _) = saved();
    for path in files(folder.path()) {
        let good = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        for place in 0..good.len() {
            let mut bad = good.clone();
            bad[place] ^= 1 << (place % 8);
            fs::write(&path, &bad).unwrap();
            let message = refusal(folder.path());
            let names = message.contains(name);
            // A changed name of a file, or one of its checksums, is found in `index.json` itself.
            assert!(names, "bit of byte {place} of {name}: {message}");
        }
        fs::write(&path, &good).unwrap();
    }
    assert!(Index::load(folder.path()).is_ok());
}

#[test]
fn a_truncated_grown_empty_or_missing_file_is_refused_by_its_name() {
    let (folder, _) = saved();
    for path in files(folder.path()) {
        let good = fs::read(&path).unwrap();
        let name = path.file_name().unwrap().to_str().unwrap();
        for bad in
            [&good[..good.len() - 1], &good[..good.len() / 2], &[][..], &[&good[..], b"x"].concat()]
        {
            fs::write(&path, bad).unwrap();
            let message = refusal(folder.path());
            assert!(message.contains(name), "{} bytes of {name}: {message}", bad.len());
        }
        fs::remove_file(&path).unwrap();
        assert!(
            matches!(Index::load(folder.path()), Err(IndexError::Read { path: at, .. }) if at == path)
        );
        fs::write(&path, &good).unwrap();
    }
}

#[test]
fn files_of_another_index_are_refused() {
    let (folder, _) = saved();
    let other = tempfile::tempdir().unwrap();
    let mut changed = sample();
    changed.remove(0).unwrap();
    changed.save(other.path()).unwrap();
    for (path, foreign) in files(folder.path()).iter().zip(files(other.path())) {
        if path.ends_with("index.json") {
            continue;
        }
        let good = fs::read(path).unwrap();
        fs::copy(foreign, path).unwrap();
        let message = refusal(folder.path());
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        fs::write(path, good).unwrap();
    }
}

#[test]
fn a_newer_format_is_refused_by_its_version() {
    let (folder, _) = saved();
    let path = folder.path().join("index.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"version\": 1", "\"version\": 2")).unwrap();
    let error = Index::load(folder.path()).unwrap_err();
    assert!(matches!(error, IndexError::Version { found: 2, newest: 1, .. }), "{error}");
}

#[test]
fn a_crash_before_the_last_step_leaves_the_old_index() {
    let (folder, index) = saved();
    let mut other = index.clone();
    other.add(&[1.0, 2.0, 4.0], Item::default()).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    other.save(elsewhere.path()).unwrap();
    // What a crash leaves: all new data files, but the old `index.json`.
    for path in files(elsewhere.path()) {
        if !path.ends_with("index.json") {
            fs::copy(&path, folder.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    assert_eq!(Index::load(folder.path()).unwrap(), index);
    other.save(folder.path()).unwrap();
    assert_eq!(Index::load(folder.path()).unwrap(), other);
    assert_eq!(files(folder.path()).len(), 3);
}

#[test]
fn a_folder_without_an_index_and_files_of_others_are_left_in_peace() {
    let folder = tempfile::tempdir().unwrap();
    assert!(refusal(folder.path()).contains("index.json cannot be read"));
    for name in ["items-x.json", "embeddings-photographs.safetensors", "notes.txt"] {
        fs::write(folder.path().join(name), "mine").unwrap();
    }
    sample().save(folder.path()).unwrap();
    assert_eq!(files(folder.path()).len(), 6);
}
