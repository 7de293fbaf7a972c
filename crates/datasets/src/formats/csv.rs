//! Lists of images: `.csv`, `.tsv` or text with one line `path[,label]` for each, or `.jsonl` with
//! one object.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use csv::{ReaderBuilder, StringRecord, Trim};
use rayon::prelude::*;

use super::archive::{Label, split_of};
use super::folder::{FoundImage, Location, labeled_splits};
use super::layout::Role;
use super::names::is_image;
use super::read::read_file;
use super::samples::SEVERAL;
use crate::{DataError, Omitted, Splits};

/// Names of columns, in lower case and without `_`, `-` and spaces.
const PATHS: [&str; 12] = [
    "path",
    "filepath",
    "imagepath",
    "imgpath",
    "filename",
    "imagefilename",
    "imagename",
    "imgname",
    "file",
    "image",
    "img",
    "imagefile",
];
const LABELS: [&str; 11] = [
    "label",
    "class",
    "category",
    "target",
    "cls",
    "labelname",
    "classname",
    "categoryname",
    "labels",
    "y",
    "species",
];
/// Names of columns that hold something else for each image.
const OTHERS: [&str; 8] =
    ["text", "caption", "captions", "description", "prompt", "title", "url", "id"];
const SPLITS: [&str; 5] = ["split", "subset", "partition", "set", "fold"];

/// What a line says.
#[derive(Debug)]
struct Row {
    path: String,
    label: Label,
    split: String,
}

/// Returns whether a file that starts so is a list: by its ending or, for `.txt`, by a first line
/// that names an image.
pub(crate) fn is_list(path: &Path, start: &[u8]) -> bool {
    let ending = path.extension().map(OsStr::to_ascii_lowercase);
    match ending.as_deref().and_then(OsStr::to_str) {
        Some("csv" | "tsv" | "jsonl") => true,
        Some("txt" | "lst") => decode(start).is_ok_and(|text| {
            let mut fields =
                text.lines().take(2).flat_map(|line| line.split([',', '\t', ';', ' ']));
            fields.any(|field| is_image(field.trim_matches('"')))
        }),
        _ => false,
    }
}

/// Returns the images of a list, in its order.
///
/// Paths are relative to the list, with `/` or `\`. A first line without an image names the columns.
pub(crate) fn open_list(list: &Path) -> Result<Splits, DataError> {
    let damaged = DataError::damaged(list);
    let text = decode(&read_file(list)?).map_err(DataError::unsupported(list))?;
    let mut omitted = Omitted::default();
    let objects = text.trim_start().starts_with('{');
    let rows = if objects { objects_of(&text) } else { rows_of(&text, &mut omitted) };
    let rows = rows.map_err(&damaged)?;
    let listed = rows.len();
    // Numbers of folds, for example, are no splits.
    let splits = rows.iter().any(|row| split_of(&row.split).is_some());
    let folder = list.parent().unwrap_or(Path::new(""));
    let places: Vec<Option<PathBuf>> = rows.par_iter().map(|row| find(folder, &row.path)).collect();
    let mut missing = Omitted::default();
    let mut images: Vec<(FoundImage, Option<Role>)> = Vec::new();
    let mut known: HashMap<PathBuf, usize> = HashMap::new();
    for (row, place) in rows.into_iter().zip(places) {
        let Some(place) = place else {
            missing.add("images that are listed but not there", row.path);
            continue;
        };
        let role = split_of(&row.split);
        if role.is_none() && !row.split.is_empty() && splits {
            omitted
                .add(&format!("images of the split `{}`, which is not known", row.split), row.path);
            continue;
        }
        let label = match row.label {
            Label::One(label) => Some(label),
            Label::None => None,
            Label::Several => {
                omitted.add(SEVERAL, &row.path);
                None
            }
        };
        if let Some(&first) = known.get(&place) {
            let first: &mut FoundImage = &mut images[first].0;
            if first.label == label {
                omitted.add("images listed again", row.path);
            } else {
                omitted.add("images listed again with another label, used without one", row.path);
                first.label = None;
            }
            continue;
        }
        known.insert(place.clone(), images.len());
        images.push((FoundImage { path: row.path, label, location: Location::File(place) }, role));
    }
    if let ([], [first, ..]) = (&images[..], missing.entries()) {
        let reason = format!(
            "none of the {listed} images it lists is there, such as {}; paths are relative to the \
             folder of the list, {}",
            first.example,
            fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned()).display()
        );
        return Err(DataError::unsupported(list)(reason));
    }
    omitted.extend(missing);
    sorted(list, images, omitted)
}

/// Returns whether a file is named as the list beside the images of a Hugging Face `imagefolder`.
pub(crate) fn is_metadata(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    matches!(name, "metadata.csv" | "metadata.jsonl")
}

/// Labels images by the list beside them; returns false if it labels none. Of an image with several
/// labels, none is used.
pub(crate) fn label_images(list: &Path, images: &mut [FoundImage]) -> bool {
    let read = || -> Option<Vec<Row>> {
        let text = decode(&read_file(list).ok()?).ok()?;
        let objects = text.trim_start().starts_with('{');
        if objects { objects_of(&text).ok() } else { rows_of(&text, &mut Omitted::default()).ok() }
    };
    let folder = list.parent().unwrap_or(Path::new(""));
    let label = |row: Row| match row.label {
        Label::One(label) => Some((folder.join(row.path.replace('\\', "/")), label)),
        Label::Several | Label::None => None,
    };
    let rows = read().unwrap_or_default().into_iter();
    let labels: HashMap<PathBuf, String> = rows.filter_map(label).collect();
    let mut found = false;
    for image in images {
        if let Location::File(place) = &image.location
            && let Some(label) = labels.get(place)
        {
            image.label = Some(label.clone());
            found = true;
        }
    }
    found
}

/// Sorts images into training and test images. Of two splits to test with, `test` counts if it has
/// labels.
fn sorted(
    list: &Path,
    images: Vec<(FoundImage, Option<Role>)>,
    mut omitted: Omitted,
) -> Result<Splits, DataError> {
    let has = |role, labeled: bool| {
        let is = |(image, other): &(FoundImage, Option<Role>)| {
            *other == Some(role) && (!labeled || image.label.is_some())
        };
        images.iter().any(is)
    };
    let learned = images.iter().any(|(_, role)| matches!(role, None | Some(Role::Train)));
    let tested = [Role::Test, Role::Val].into_iter().find(|role| learned && has(*role, true));
    let split = images.iter().any(|(_, role)| role.is_some());
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (image, role) in images {
        match role {
            Some(Role::Test | Role::Val) if role == tested && image.label.is_some() => {
                test.push(image);
            }
            Some(Role::Test | Role::Val) if role == tested => {
                omitted.add("test images without a label", image.path);
            }
            Some(Role::Test | Role::Val) if learned && tested.is_some() => {
                omitted
                    .add("images of a split that is neither trained nor tested with", image.path);
            }
            Some(Role::Test | Role::Val) if learned => {
                omitted.add("images of a test split without labels", image.path);
            }
            _ => train.push(image),
        }
    }
    let splits = labeled_splits(list, train, test)?;
    let found = if split { "a list of images with splits" } else { "a list of images" };
    Ok(Splits { found: found.to_owned(), omitted, ..splits })
}

/// Returns the text of a list, which may be in UTF-16, as Excel saves "Unicode text".
fn decode(bytes: &[u8]) -> Result<String, String> {
    let wide = |read: fn([u8; 2]) -> u16| {
        let units: Vec<u16> =
            bytes[2..].as_chunks::<2>().0.iter().map(|&unit| read(unit)).collect();
        Ok(String::from_utf16_lossy(&units))
    };
    match bytes {
        [0xFF, 0xFE, ..] => wide(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => wide(u16::from_be_bytes),
        _ => {
            let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
            let text = str::from_utf8(bytes).or_else(|error| {
                // The start of a file may end within a character.
                let whole = &bytes[..error.valid_up_to()];
                if error.error_len().is_none() { str::from_utf8(whole) } else { Err(error) }
            });
            text.map(str::to_owned).map_err(|error| {
                let line = bytes[..=error.valid_up_to()].split(|&byte| byte == b'\n').count();
                format!("line {line} is not in UTF-8; save it as UTF-8")
            })
        }
    }
}

/// Returns the separator of a list: one that has an image between two of it.
fn separator(text: &str) -> u8 {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(2).collect();
    let separates = |separator: &&u8| {
        lines.iter().any(|line| {
            let mut fields = line.split(char::from(**separator));
            line.contains(char::from(**separator))
                && fields.any(|field| is_image(field.trim().trim_matches('"')))
        })
    };
    // The header decides where paths have no endings.
    let named = |separator: &&u8| {
        let header = lines.first().copied().unwrap_or_default();
        let mut fields = header.split(char::from(**separator));
        header.contains(char::from(**separator)) && fields.any(|field| is_of(field, &PATHS))
    };
    let all = b",\t; ";
    let found = all.iter().find(separates).or_else(|| all.iter().find(named));
    *found.unwrap_or(&b',')
}

/// Returns whether a column has one of these names.
fn is_of(column: &str, names: &[&str]) -> bool {
    let kept = |c: &char| !matches!(c, '_' | '-' | ' ' | '"');
    let column: String = column.chars().filter(kept).collect::<String>().to_lowercase();
    names.contains(&column.as_str())
}

/// Reads lines of fields. Columns that are not read are counted.
fn rows_of(text: &str, omitted: &mut Omitted) -> Result<Vec<Row>, String> {
    let mut reader = ReaderBuilder::new()
        .delimiter(separator(text))
        .has_headers(false)
        .flexible(true)
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    let mut columns = None;
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| error.to_string())?;
        let Some(columns) = &columns else {
            let header = !record.iter().any(is_image);
            let found = Columns::of(&record, header)?;
            if header {
                for (at, name) in record.iter().enumerate() {
                    if ![Some(found.path), found.label, found.split].contains(&Some(at)) {
                        omitted.add("columns that are not read", name);
                    }
                }
            } else {
                rows.push(found.row(&record)?);
            }
            columns = Some(found);
            continue;
        };
        rows.push(columns.row(&record)?);
    }
    Ok(rows)
}

/// The columns of a list.
#[derive(Debug)]
struct Columns {
    path: usize,
    label: Option<usize>,
    split: Option<usize>,
    count: usize,
}

impl Columns {
    fn of(first: &StringRecord, header: bool) -> Result<Self, String> {
        let count = first.len();
        let find = |names: &[&str]| {
            // In the order of the names: `path` is meant where there is an `image` as well.
            let named = |name| first.iter().position(|column| is_of(column, &[name]));
            names.iter().find_map(|name| named(*name)).filter(|_| header)
        };
        let (path, label, split) = (find(&PATHS), find(&LABELS), find(&SPLITS));
        if header && (path.is_some() || count <= 2) {
            let path = path.unwrap_or(0);
            // Of two columns, the other one is the label, whatever its name.
            let other = (count == 2 && split.is_none()).then_some(1 - path.min(1));
            let other = other.filter(|&at| !is_of(&first[at], &OTHERS));
            return Ok(Self { path, label: label.or(other), split, count });
        }
        if header || count > 2 {
            let columns: Vec<&str> = first.iter().collect();
            return Err(format!(
                "the columns `{}` are not known; name them in the first line: `path`, and perhaps \
                 `label` and `split`",
                columns.join("`, `")
            ));
        }
        Ok(Self { path: 0, label: Some(1), split: None, count: 2 })
    }

    fn row(&self, record: &StringRecord) -> Result<Row, String> {
        let field = |at: Option<usize>| at.and_then(|at| record.get(at)).unwrap_or_default();
        let row = Row {
            path: field(Some(self.path)).to_owned(),
            label: label(field(self.label)),
            split: field(self.split).to_owned(),
        };
        if row.path.is_empty() || record.len() > self.count {
            let line = record.position().map_or(0, csv::Position::line);
            return Err(format!(
                "line {line} has {} fields instead of {}, or no path",
                record.len(),
                self.count
            ));
        }
        Ok(row)
    }
}

/// Reads lines that are JSON objects, such as those of `metadata.jsonl`.
fn objects_of(text: &str) -> Result<Vec<Row>, String> {
    use serde_json::Value;
    let row = |(line, text): (usize, &str)| -> Result<Row, String> {
        let fault = |error: String| format!("line {}: {error}", line + 1);
        let object: HashMap<String, Value> =
            serde_json::from_str(text).map_err(|error| fault(error.to_string()))?;
        let find = |names: &[&str]| -> Option<&Value> {
            let named = |name: &&str| object.iter().find(|(key, _)| is_of(key, &[*name]));
            names.iter().find_map(named).map(|(_, value)| value)
        };
        let text = |names: &[&str]| find(names).map(plain).unwrap_or_default();
        let label = match find(&LABELS) {
            Some(Value::Array(values)) if values.len() > 1 => Label::Several,
            Some(Value::Array(values)) => label(&values.first().map(plain).unwrap_or_default()),
            value => label(&value.map(plain).unwrap_or_default()),
        };
        let row = Row { path: text(&PATHS), label, split: text(&SPLITS) };
        let missing = "it has no text `path` or `file_name`".to_owned();
        if row.path.is_empty() { Err(fault(missing)) } else { Ok(row) }
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(row).collect()
}

fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.trim().to_owned(),
        serde_json::Value::Number(number) => number.to_string(),
        serde_json::Value::Bool(value) => value.to_string(),
        _ => String::new(),
    }
}

/// Returns the label that a text stands for; `cat;dog`, `cat|dog` and `[1, 2]` are several.
fn label(text: &str) -> Label {
    let parts = |separator| text.split(separator).filter(|part| !part.trim().is_empty()).count();
    let bracketed = text.starts_with(['[', '(', '{']) && text.ends_with([']', ')', '}']);
    match text {
        "" => Label::None,
        _ if parts(';') > 1 || parts('|') > 1 || (bracketed && parts(',') > 1) => Label::Several,
        text => Label::One(text.to_owned()),
    }
}

/// Returns the file that a path in a list stands for, if it is there.
fn find(folder: &Path, path: &str) -> Option<PathBuf> {
    let place = folder.join(path);
    if place.is_file() {
        return Some(place);
    }
    // As written on Windows.
    let place = path.contains('\\').then(|| folder.join(path.replace('\\', "/")))?;
    place.is_file().then_some(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Dataset, labels};

    fn list(text: &[u8]) -> Result<Splits, DataError> {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("p")).unwrap();
        for name in ["a.png", "b.jpg", "c.jpg", "p/d.png", "no-ending"] {
            fs::write(root.path().join(name), "").unwrap();
        }
        let path = root.path().join("list.csv");
        fs::write(&path, text).unwrap();
        open_list(&path)
    }

    fn known(dataset: &dyn Dataset) -> Vec<String> {
        let name = |label: Option<usize>| label.map(|label| dataset.class_names()[label].clone());
        labels(dataset).into_iter().map(|label| name(label).unwrap_or_default()).collect()
    }

    #[test]
    fn labels_and_the_header_are_optional() {
        for text in [
            "a.png,cat\nb.jpg,dog\nc.jpg,\n",
            "path,label\na.png, cat\n\"b.jpg\",dog\nc.jpg",
            "\u{feff}Image Path;Label\r\na.png;cat\r\nb.jpg;dog\r\nc.jpg;\r\n",
            "file_name\tbreed\na.png\tcat\nb.jpg\tdog\nc.jpg\t\n",
            "a.png cat\nb.jpg dog\nc.jpg\n",
            "id,label,image_path\n1,cat,a.png\n2,dog,b.jpg\n3,,c.jpg\n",
            "{\"file_name\": \"a.png\", \"label\": \"cat\"}\n{\"file_name\": \"b.jpg\", \"label\": \
             \"dog\"}\n\n{\"file_name\": \"c.jpg\", \"text\": \"a cat\"}",
        ] {
            let splits = list(text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(known(&*splits.train), ["cat", "dog", ""], "{text}");
            assert!(splits.train.name(1).ends_with("b.jpg"));
        }
        assert!(list(b"a.png\nb.jpg\n").unwrap().train.class_names().is_empty());
        assert!(list(b"id\na.png\nno-ending\n").is_ok(), "a path may have no ending");
    }

    #[test]
    fn lists_of_windows_are_read() {
        let splits = list(b"p\\d.png,1\r\na.png,0\r\n").unwrap();
        assert_eq!(known(&*splits.train), ["1", "0"]);
        let wide: Vec<u8> =
            "a.png\tcat\nb.jpg\tdog\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let splits = list(&[&[0xFF, 0xFE][..], &wide].concat()).unwrap();
        assert_eq!(known(&*splits.train), ["cat", "dog"]);
        let error = list(b"a.png,\xE9t\xE9\nb.jpg,bar\n").unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("UTF-8"), "{error}");
    }

    #[test]
    fn what_is_not_used_is_counted() {
        let splits =
            list(b"a.png,x\na.png,x\nb.jpg,y\nb.jpg,x\nc.jpg,x;y\np/d.png,y\ngone.png,y\n")
                .unwrap();
        assert_eq!(known(&*splits.train), ["x", "", "", "y"]);
        let said = splits.omitted.to_string();
        for part in [
            "images listed again: 1 (a.png)",
            "another label",
            "images with several labels",
            "gone.png",
        ] {
            assert!(said.contains(part), "{said}");
        }
        let error = list(b"x/a.png\nx/b.png\n").unwrap_err().to_string();
        assert!(error.contains("none of the 2 images") && error.contains("x/a.png"), "{error}");
    }

    #[test]
    fn a_column_sorts_images_into_splits() {
        let splits = list(
            b"path,label,split,width\na.png,x,train,9\nb.jpg,y,Training,9\nc.jpg,x,test,9\n\
              p/d.png,x,other,9\n",
        )
        .unwrap();
        assert_eq!((splits.train.len(), known(&*splits.test.unwrap())), (2, vec!["x".to_owned()]));
        let said = splits.omitted.to_string();
        assert!(said.contains("width") && said.contains("`other`"), "{said}");
    }

    #[test]
    fn a_line_that_names_no_image_is_an_error_with_its_number() {
        let error = list(b"a.png,1\nb.png,2,3\n").unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("list.csv"), "{error}");
        let error = list(b"a.png,1,0,1\n").unwrap_err().to_string();
        assert!(error.contains("name them in the first line"), "{error}");
        assert!(list(b"path\n").is_err());
    }
}
