//! NumPy's files: one array in a `.npy`, named arrays in a `.npz` or in a folder.
//!
//! The format is [NEP 1](https://numpy.org/neps/nep-0001-npy-format.html). The header is a Python
//! dictionary of three entries, read in the forms that NumPy writes. Arrays of Python objects are
//! refused, so no code is ever run.

use std::fs::{self, File};
use std::io::BufReader;
use std::path::Path;

use super::arrays::{Array, Elements, SplitArrays, array_splits};
use super::read::{read_file, read_stream};
use crate::{DataError, Splits};

const MAGIC: &[u8] = b"\x93NUMPY";
/// The most bytes of a header, as in NumPy.
const MAX_HEADER: usize = 10_000;

/// Names of the images, training and test: those of Keras, of `MedMNIST`, and the plain ones.
const PIXELS: [[&str; 2]; 3] =
    [["x_train", "x_test"], ["train_images", "test_images"], ["images", "test_images"]];
/// Names of their labels.
const LABELS: [[&str; 2]; 3] =
    [["y_train", "y_test"], ["train_labels", "test_labels"], ["labels", "test_labels"]];

/// Returns whether a file starts as a `.npy` does.
pub(crate) fn is_npy(start: &[u8]) -> bool {
    start.starts_with(MAGIC)
}

/// Returns whether a file starts as a zip archive does.
pub(crate) fn is_zip(start: &[u8]) -> bool {
    start.starts_with(b"PK\x03\x04")
}

/// Opens the images of a `.npy`, without labels.
pub(crate) fn open_npy(path: &Path) -> Result<Splits, DataError> {
    array_splits(path, SplitArrays { pixels: read(path)?, labels: None }, None)
}

/// Opens the arrays of a `.npz`.
pub(crate) fn open_npz(path: &Path) -> Result<Splits, DataError> {
    let file = File::open(path).map_err(DataError::read(path))?;
    let damaged = DataError::damaged(path);
    let mut archive =
        zip::ZipArchive::new(BufReader::new(file)).map_err(|error| damaged(error.to_string()))?;
    let found = named(path, |name| {
        let Some(place) = archive.index_for_name(&format!("{name}.npy")) else { return Ok(None) };
        let member = archive.by_index(place).map_err(|error| damaged(error.to_string()))?;
        let bytes = read_stream(path, member)?;
        parse(name.to_owned(), bytes).map_err(&damaged).map(Some)
    })?;
    found.ok_or_else(|| damaged("it has no array `x_train`, `train_images` or `images`".to_owned()))
}

/// Opens the `.npy` files in a folder; `None` if it has none of the names.
pub(crate) fn open_npy_folder(folder: &Path) -> Result<Option<Splits>, DataError> {
    let has_arrays = PIXELS.iter().any(|[train, _]| folder.join(format!("{train}.npy")).is_file());
    if !has_arrays {
        return Ok(None);
    }
    named(folder, |name| {
        let path = folder.join(format!("{name}.npy"));
        if fs::exists(&path).map_err(DataError::read(&path))? {
            read(&path).map(Some)
        } else {
            Ok(None)
        }
    })
}

/// Returns the data set whose arrays `get` returns by name.
fn named(
    root: &Path,
    mut get: impl FnMut(&str) -> Result<Option<Array>, DataError>,
) -> Result<Option<Splits>, DataError> {
    for ([train, test], [train_labels, test_labels]) in PIXELS.into_iter().zip(LABELS) {
        let Some(pixels) = get(train)? else { continue };
        let train = SplitArrays { pixels, labels: get(train_labels)? };
        let test = match get(test)? {
            Some(pixels) => Some(SplitArrays { pixels, labels: get(test_labels)? }),
            None => None,
        };
        return array_splits(root, train, test).map(Some);
    }
    Ok(None)
}

fn read(path: &Path) -> Result<Array, DataError> {
    parse(path.display().to_string(), read_file(path)?).map_err(DataError::damaged(path))
}

fn parse(name: String, bytes: Vec<u8>) -> Result<Array, String> {
    let (start, length) = match bytes.get(..12) {
        Some(&[0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, a, b, _, _]) => {
            (10, usize::from(u16::from_le_bytes([a, b])))
        }
        Some(&[0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _, a, b, c, d]) => {
            (12, u32::from_le_bytes([a, b, c, d]) as usize)
        }
        _ => return Err("it is not a .npy file".to_owned()),
    };
    if length > MAX_HEADER {
        return Err(format!("its header has {length} bytes, and at most {MAX_HEADER} are read"));
    }
    let header = bytes.get(start..start + length).ok_or("it is truncated")?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is not text")?;
    if entry(header, "fortran_order")? == "True" {
        return Err("it is in Fortran order; save it with numpy.ascontiguousarray".to_owned());
    }
    let kind = entry(header, "descr")?.trim_matches(['\'', '"']);
    let sides = entry(header, "shape")?.trim_matches(['(', ')']).split(',').map(str::trim);
    let shape: Result<Vec<usize>, _> =
        sides.filter(|side| !side.is_empty()).map(str::parse::<usize>).collect();
    let shape = shape.map_err(|_| "its shape is not a tuple of whole numbers")?;
    let start = start + length;
    let size = kind.get(2..).and_then(|size| size.parse::<usize>().ok()).unwrap_or(0);
    let wanted = shape.iter().try_fold(size, |product, &side| product.checked_mul(side));
    let data = bytes.len() - start;
    if wanted != Some(data) {
        return Err(format!("{data} bytes do not match shape {shape:?} of `{kind}`"));
    }
    if kind == "|u1" {
        return Ok(Array::bytes(name, shape, bytes, start));
    }
    let numbers = integers(kind, size, &bytes[start..])?;
    Ok(Array { name, shape, elements: Elements::Integers(numbers) })
}

/// Returns the text of one value of a header: a tuple whole, else up to the next comma or brace.
fn entry<'a>(header: &'a str, key: &str) -> Result<&'a str, String> {
    let missing = || format!("its header has no `{key}`");
    let quoted = [format!("'{key}':"), format!("\"{key}\":")];
    let place = quoted.iter().find_map(|key| header.find(key.as_str()).map(|at| at + key.len()));
    let value = header[place.ok_or_else(missing)?..].trim_start();
    let end = match value.strip_prefix('(') {
        Some(tuple) => tuple.find(')').map(|end| end + 2),
        None => value.find([',', '}']),
    };
    Ok(value[..end.ok_or_else(missing)?].trim_end())
}

/// Reads whole numbers of `size` bytes; `kind` is `<i8` and the like.
fn integers(kind: &str, size: usize, bytes: &[u8]) -> Result<Vec<i64>, String> {
    let unknown = || format!("its elements are `{kind}`, neither bytes nor whole numbers");
    let big = match kind.as_bytes().first() {
        Some(b'<' | b'|') => false,
        Some(b'>') => true,
        _ => return Err(unknown()),
    };
    let signed = match kind.as_bytes().get(1) {
        Some(b'i') => true,
        Some(b'u') => false,
        _ => return Err(unknown()),
    };
    if ![1, 2, 4, 8].contains(&size) {
        return Err(unknown());
    }
    let number = |bytes: &[u8]| {
        let fold = |sum: u64, &byte: &u8| (sum << 8) | u64::from(byte);
        let value = if big { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) };
        let unused = 64 - 8 * size;
        if signed {
            Ok((value << unused).cast_signed() >> unused)
        } else {
            i64::try_from(value).map_err(|_| "a label is out of range".to_owned())
        }
    };
    bytes.chunks_exact(size).map(number).collect()
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;

    fn npy(kind: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    fn labels(kind: &str, data: &[u8]) -> Result<Vec<i64>, String> {
        let size = kind[2..].parse::<usize>().unwrap();
        match parse("x".into(), npy(kind, &format!("({},)", data.len() / size), data))?.elements {
            Elements::Integers(numbers) => Ok(numbers),
            Elements::Bytes(_) => Err("bytes".to_owned()),
        }
    }

    #[test]
    fn whole_numbers_of_every_width_and_order_are_read() {
        assert_eq!(labels("|i1", &[1, 0xFE]), Ok(vec![1, -2]));
        assert_eq!(labels("<u2", &[1, 2]), Ok(vec![0x201]));
        assert_eq!(labels(">i4", &[0xFF, 0xFF, 0xFF, 0xFD]), Ok(vec![-3]));
        assert_eq!(labels("<i8", &[5, 0, 0, 0, 0, 0, 0, 0]), Ok(vec![5]));
        assert!(labels("<u8", &[0xFF; 8]).unwrap_err().contains("out of range"));
        assert!(labels("<f4", &[0; 4]).unwrap_err().contains("<f4"));
    }

    #[test]
    fn what_does_not_fit_or_could_run_is_refused() {
        let message = |bytes: Vec<u8>| parse("x".into(), bytes).map(|_| ()).unwrap_err();
        assert!(message(npy("|u1", "(2, 3)", &[0; 5])).contains("[2, 3]"));
        assert!(message(npy("|O", "(2,)", &[0; 2])).contains("`|O`"));
        assert!(message(npy("|u1", "(99999999999, 99999999999)", &[])).contains("do not match"));
        let fortran = npy("|u1", "(1,)", &[0]);
        let fortran = String::from_utf8_lossy(&fortran[10..]).replace("False", "True ");
        let length = (fortran.len() as u16).to_le_bytes();
        assert!(
            message([b"\x93NUMPY\x01\x00", &length[..], fortran.as_bytes()].concat())
                .contains("Fortran")
        );
        assert!(message(b"\x93NUMPY\x02\x00\xFF\xFF\xFF\xFF".to_vec()).contains("header"));
    }
}
