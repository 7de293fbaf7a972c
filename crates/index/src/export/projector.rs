//! Features as TensorBoard's projector shows them.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;

use selfsame_metrics::Features;

use crate::IndexError;
use selfsame_files::write_atomically;

/// Writes features for the projector of TensorBoard, which shows them in two or three dimensions.
///
/// Row `i` of `features` becomes a point with the text `labels[i]`. The folder, which is created if
/// it is missing, can be that of TensorBoard's event files. It receives
/// - `<name>.tsv`: the features, a row per line
/// - `<name>-metadata.tsv`: the labels, one per line. Control characters, such as tabs and line
///   breaks, become spaces, and a label without text becomes `-`, because the projector skips
///   empty lines.
/// - `projector_config.pbtxt`: an entry for each projection of the folder. Those that are listed
///   stay, and a projection of the same name is replaced.
///
/// TensorBoard reads these files when it starts, and holds all rows in memory.
///
/// # Errors
/// If a file cannot be written. It is [`IndexError::Write`] with a `source` of kind
/// [`ErrorKind::InvalidInput`], and nothing is written, if there are no rows, if the number of labels
/// is not that of the rows, or if `name` is empty, has characters other than ASCII letters, digits,
/// `-` and `_`, or ends with `-metadata`.
/// That the values are finite has been checked when `features` was created.
///
/// # Example
/// ```
/// use selfsame_index::write_projector;
/// use selfsame_metrics::Features;
///
/// let folder = tempfile::tempdir()?;
/// let features = Features::new(2, vec![0.5, 1.0, -2.0, 0.25])?;
/// write_projector(folder.path(), "epoch-1", &features, &["cat".to_owned(), "dog".to_owned()])?;
/// let read = |name| std::fs::read_to_string(folder.path().join(name));
/// assert_eq!(read("epoch-1.tsv")?, "0.5\t1\n-2\t0.25\n");
/// assert_eq!(read("epoch-1-metadata.tsv")?, "cat\ndog\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn write_projector(
    folder: &Path,
    name: &str,
    features: &Features,
    labels: &[String],
) -> Result<(), IndexError> {
    let tensor = folder.join(format!("{name}.tsv"));
    check(name, features.rows(), labels.len()).map_err(IndexError::write(&tensor))?;
    let write = |path: &Path, text: &str| {
        write_atomically(path, text.as_bytes()).map_err(IndexError::write(path))
    };
    fs::create_dir_all(folder).map_err(IndexError::write(folder))?;
    write(&tensor, &table(features))?;
    write(&folder.join(format!("{name}-metadata.tsv")), &lines(labels))?;

    // The last, so that it lists only files that exist.
    let path = folder.join("projector_config.pbtxt");
    let old = match fs::read_to_string(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        read => read.map_err(IndexError::write(&path))?,
    };
    let entry = entry(name);
    if old.contains(&entry) {
        return Ok(());
    }
    let gap = if old.is_empty() || old.ends_with('\n') { "" } else { "\n" };
    write(&path, &(old + gap + &entry))
}

fn check(name: &str, rows: usize, labels: usize) -> io::Result<()> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let why = if name.is_empty() || !name.chars().all(is_plain) {
        "the name of a projection has letters, digits, - and _".to_owned()
    } else if name.ends_with("-metadata") {
        "a name that ends with -metadata is that of another projection's labels".to_owned()
    } else if rows == 0 {
        "there are no rows to project".to_owned()
    } else if rows != labels {
        format!("{rows} rows need as many labels, but there are {labels}")
    } else {
        return Ok(());
    };
    Err(io::Error::new(ErrorKind::InvalidInput, why))
}

fn table(features: &Features) -> String {
    let mut text = String::new();
    for row in 0..features.rows() {
        for (column, value) in features.row(row).iter().enumerate() {
            let separator = if column == 0 { "" } else { "\t" };
            let _ = write!(text, "{separator}{value}"); // writing to a string cannot fail
        }
        text.push('\n');
    }
    text
}

fn lines(labels: &[String]) -> String {
    let mut text = String::new();
    for label in labels {
        let label = label.replace(char::is_control, " ");
        text += if label.trim().is_empty() { "-" } else { label.trim() };
        text.push('\n');
    }
    text
}

fn entry(name: &str) -> String {
    format!(
        "embeddings {{\n  tensor_name: \"{name}\"\n  tensor_path: \"{name}.tsv\"\n  \
         metadata_path: \"{name}-metadata.tsv\"\n}}\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, name: &str, labels: &[&str]) -> Result<(), IndexError> {
        let features = Features::new(1, vec![0.5; 2]).unwrap();
        let labels: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
        write_projector(folder, name, &features, &labels)
    }

    #[test]
    fn every_projection_of_a_folder_is_listed_once() {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("new/projector_config.pbtxt");
        let new = folder.path().join("new");
        write(&new, "a", &["x", "y"]).unwrap();
        fs::write(&config, fs::read_to_string(&config).unwrap() + "# by hand").unwrap();
        for name in ["b", "a", "b"] {
            write(&new, name, &["x", "z"]).unwrap();
        }
        let want = entry("a") + "# by hand\n" + &entry("b");
        assert_eq!(fs::read_to_string(&config).unwrap(), want);
        assert_eq!(fs::read_to_string(new.join("a-metadata.tsv")).unwrap(), "x\nz\n");
    }

    #[test]
    fn a_label_is_one_line_with_text() {
        let labels = ["a\tb\nc\r", "  ", "", "é\u{85}"].map(str::to_owned);
        assert_eq!(lines(&labels), "a b c\n-\n-\né\n");
    }

    #[test]
    fn what_the_projector_cannot_show_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let none = Features::new(1, Vec::new()).unwrap();
        let refused = [
            write(folder.path(), "a", &["x"]),
            write(folder.path(), "", &["x", "y"]),
            write(folder.path(), "../a", &["x", "y"]),
            write(folder.path(), "a\"b", &["x", "y"]),
            write(folder.path(), "a-metadata", &["x", "y"]),
            write_projector(folder.path(), "a", &none, &[]),
        ];
        for result in refused {
            let Err(IndexError::Write { source, .. }) = result else { panic!("{result:?}") };
            assert_eq!(source.kind(), ErrorKind::InvalidInput);
        }
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn values_are_written_such_that_they_are_read_back_exactly() {
        let values = vec![f32::MIN_POSITIVE, f32::MAX, -0.1, 1.0 / 3.0];
        let text = table(&Features::new(4, values.clone()).unwrap());
        let read: Vec<f32> = text.trim().split('\t').map(|value| value.parse().unwrap()).collect();
        assert_eq!(read, values);
    }
}
