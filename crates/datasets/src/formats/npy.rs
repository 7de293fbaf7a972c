//! NumPy's files: one array in a `.npy`, named arrays in a `.npz` or in a folder.
//!
//! The format is [NEP 1](https://numpy.org/neps/nep-0001-npy-format.html). The header is a Python
//! dictionary of three entries, read in the forms that NumPy writes. Arrays of Python objects are
//! refused, so no code is ever run.

use std::fs;
use std::path::Path;

use super::arrays::{Array, Elements, SplitArrays, array_splits};
use super::names::is_image;
use super::read::{read_file, read_stream};
use super::zip;
use crate::{DataError, Splits};

const MAGIC: &[u8] = b"\x93NUMPY";
/// The most bytes of a header, as in NumPy.
const MAX_HEADER: usize = 10_000;

/// The names of images, training and test, and of their labels.
struct Names {
    images: [&'static str; 2],
    labels: [&'static str; 2],
}

/// Those of Keras, of `MedMNIST`, the plain ones, and those of arrays that were saved without names.
const NAMES: [Names; 4] = [
    Names { images: ["x_train", "x_test"], labels: ["y_train", "y_test"] },
    Names { images: ["train_images", "test_images"], labels: ["train_labels", "test_labels"] },
    Names { images: ["images", "test_images"], labels: ["labels", "test_labels"] },
    Names { images: ["arr_0", "arr_2"], labels: ["arr_1", "arr_3"] },
];

/// Returns whether a file starts as a `.npy` does.
pub(crate) fn is_npy(start: &[u8]) -> bool {
    start.starts_with(MAGIC)
}

/// Opens the images of a `.npy`, without labels.
pub(crate) fn open_npy(path: &Path) -> Result<Splits, DataError> {
    array_splits(path, SplitArrays { pixels: read(path)?, labels: None }, None)
}

/// Opens the arrays of a `.npz`; `None` if the zip archive holds images or no arrays.
pub(crate) fn open_npz(path: &Path) -> Result<Option<Splits>, DataError> {
    let mut archive = zip::open(path)?;
    let names: Vec<String> =
        archive.file_names().filter_map(|name| Some(name.ok()?.into_owned())).collect();
    let arrays: Vec<&str> = names.iter().filter_map(|name| name.strip_suffix(".npy")).collect();
    if arrays.is_empty() || names.iter().any(|name| is_image(name)) {
        return Ok(None);
    }
    named(path, &arrays, |name| {
        let damaged = |error: ::zip::result::ZipError| {
            DataError::damaged(path)(format!("the array {name}: {error}"))
        };
        let member = archive.by_name(&format!("{name}.npy")).map_err(damaged)?;
        if member.encrypted() {
            let reason = "it is encrypted; save it without a password".to_owned();
            return Err(DataError::unsupported(path)(reason));
        }
        let bytes = read_stream(path, member)?;
        parse(name.to_owned(), bytes).map_err(|fault| fault.of(path))
    })
    .map(Some)
}

/// Opens the `.npy` files in a folder; `None` if it has none of the names.
pub(crate) fn open_npy_folder(folder: &Path) -> Result<Option<Splits>, DataError> {
    let Ok(entries) = fs::read_dir(folder) else { return Ok(None) };
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter_map(|name| Some(name.strip_suffix(".npy")?.to_owned()))
        .collect();
    names.sort();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    if !NAMES.iter().any(|known| names.contains(&known.images[0])) {
        return Ok(None);
    }
    named(folder, &names, |name| read(&folder.join(format!("{name}.npy")))).map(Some)
}

/// Returns the data set of the arrays `there`, which `get` returns by name.
fn named(
    root: &Path,
    there: &[&str],
    mut get: impl FnMut(&str) -> Result<Array, DataError>,
) -> Result<Splits, DataError> {
    let Some(Names { images, labels }) =
        NAMES.iter().find(|names| there.contains(&names.images[0]))
    else {
        let reason = format!(
            "it has no array `x_train`, `train_images` or `images`, but {}; save the images under \
             one of these names, and their labels as `y_train`, `train_labels` or `labels`",
            there.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
        );
        return Err(DataError::unsupported(root)(reason));
    };
    let mut unread: Vec<&str> = there.to_vec();
    let mut find = |name: &str| {
        let before = unread.len();
        unread.retain(|other| *other != name);
        (unread.len() < before).then(|| get(name)).transpose()
    };
    let mut splits = [None, None];
    for (split, (images, labels)) in splits.iter_mut().zip(images.iter().zip(labels)) {
        if let Some(pixels) = find(images)? {
            *split = Some(SplitArrays { pixels, labels: find(labels)? });
        }
    }
    let [Some(train), test] = splits else {
        return Err(DataError::Empty { path: root.to_owned() });
    };
    let mut splits = array_splits(root, train, test)?;
    for name in unread {
        splits.omitted.add("arrays that are not among those read", name);
    }
    Ok(splits)
}

fn read(path: &Path) -> Result<Array, DataError> {
    parse(path.display().to_string(), read_file(path)?).map_err(|fault| fault.of(path))
}

/// Why an array is not read.
#[derive(Debug, PartialEq)]
enum Fault {
    Damaged(String),
    Unsupported(String),
}

impl Fault {
    fn of(self, path: &Path) -> DataError {
        match self {
            Self::Damaged(reason) => DataError::damaged(path)(reason),
            Self::Unsupported(reason) => DataError::unsupported(path)(reason),
        }
    }
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Damaged(reason)
    }
}

impl From<&str> for Fault {
    fn from(reason: &str) -> Self {
        Self::Damaged(reason.to_owned())
    }
}

fn parse(name: String, bytes: Vec<u8>) -> Result<Array, Fault> {
    let (start, length) = match bytes.get(..12) {
        Some(&[0x93, b'N', b'U', b'M', b'P', b'Y', 1, _, a, b, _, _]) => {
            (10, usize::from(u16::from_le_bytes([a, b])))
        }
        Some(&[0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _, a, b, c, d]) => {
            (12, u32::from_le_bytes([a, b, c, d]) as usize)
        }
        _ => return Err("it is not a .npy file".into()),
    };
    if length > MAX_HEADER {
        return Err(
            format!("its header has {length} bytes, and at most {MAX_HEADER} are read").into()
        );
    }
    let header = bytes.get(start..start + length).ok_or("it is truncated")?;
    let header = std::str::from_utf8(header).map_err(|_| "its header is not text")?;
    let fortran = entry(header, "fortran_order")? == "True";
    let kind = entry(header, "descr")?.trim_matches(['\'', '"']).to_owned();
    let sides = entry(header, "shape")?.trim_matches(['(', ')']).split(',').map(str::trim);
    let shape: Result<Vec<usize>, _> =
        sides.filter(|side| !side.is_empty()).map(str::parse::<usize>).collect();
    let shape = shape.map_err(|_| "its shape is not a tuple of whole numbers")?;
    let start = start + length;
    let kind = Kind::of(&kind).ok_or_else(|| {
        let what = match kind.as_bytes() {
            [_, b'O', ..] => "Python objects, which would have to be run",
            [_, b'f' | b'c', ..] => "floats of a width that is not read",
            _ => "neither numbers nor text",
        };
        Fault::Unsupported(format!(
            "the elements of {name} are {what} (`{kind}`); save it as `uint8`, labels as `int64`"
        ))
    })?;
    let wanted = shape.iter().try_fold(kind.size, |product, &side| product.checked_mul(side));
    let data = bytes.len() - start;
    if wanted != Some(data) {
        return Err(format!("{data} bytes do not match shape {shape:?} of {name}").into());
    }
    let bytes = if fortran && shape.len() > 1 {
        row_major(&bytes[start..], &shape, kind.size)
    } else {
        let mut bytes = bytes;
        bytes.drain(..start);
        bytes
    };
    let elements = kind.elements(bytes)?;
    Ok(Array { name, shape, elements })
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

/// Returns elements of `size` bytes in row-major order, which are in Fortran's: the first dimension
/// is the fastest.
fn row_major(bytes: &[u8], shape: &[usize], size: usize) -> Vec<u8> {
    let mut sorted = Vec::with_capacity(bytes.len());
    let strides: Vec<usize> = shape
        .iter()
        .scan(size, |stride, &side| Some(std::mem::replace(stride, *stride * side)))
        .collect();
    let mut place = vec![0; shape.len()];
    while sorted.len() < bytes.len() {
        let at: usize = place.iter().zip(&strides).map(|(index, stride)| index * stride).sum();
        sorted.extend_from_slice(&bytes[at..at + size]);
        for (index, &side) in place.iter_mut().zip(shape).rev() {
            *index += 1;
            if *index < side {
                break;
            }
            *index = 0;
        }
    }
    sorted
}

/// The kind of an array's elements.
#[derive(Clone, Copy)]
struct Kind {
    letter: u8,
    /// Bytes of an element.
    size: usize,
    big: bool,
}

impl Kind {
    /// Reads `<i8` and the like; `None` for kinds that are not read.
    fn of(descr: &str) -> Option<Self> {
        let (&order, &letter) = (descr.as_bytes().first()?, descr.as_bytes().get(1)?);
        let size: usize = descr.get(2..)?.parse().ok()?;
        let size = if letter == b'U' { size.checked_mul(4)? } else { size };
        let known = match letter {
            b'u' | b'i' => matches!(size, 1 | 2 | 4 | 8),
            b'f' => matches!(size, 4 | 8),
            b'b' => size == 1,
            b'U' | b'S' => size > 0,
            _ => false,
        };
        (known && b"<>|=".contains(&order)).then_some(Self { letter, size, big: order == b'>' })
    }

    fn elements(self, bytes: Vec<u8>) -> Result<Elements, String> {
        Ok(match (self.letter, self.size) {
            (b'u', 1) => Elements::Bytes(bytes),
            (b'b', _) => Elements::Booleans(bytes),
            (b'f', _) => Elements::Floats(self.floats(&bytes)),
            (b'S' | b'U', _) => Elements::Texts(self.texts(&bytes)),
            _ => Elements::Integers(self.integers(&bytes)?),
        })
    }

    /// Returns the value of a few bytes.
    fn value(self, bytes: &[u8]) -> u64 {
        let fold = |sum: u64, &byte: &u8| (sum << 8) | u64::from(byte);
        if self.big { bytes.iter().fold(0, fold) } else { bytes.iter().rev().fold(0, fold) }
    }

    fn integers(self, bytes: &[u8]) -> Result<Vec<i64>, String> {
        let number = |bytes: &[u8]| {
            let value = self.value(bytes);
            let unused = 64 - 8 * self.size;
            if self.letter == b'i' {
                Ok((value << unused).cast_signed() >> unused)
            } else {
                i64::try_from(value).map_err(|_| "a number is out of range".to_owned())
            }
        };
        bytes.chunks_exact(self.size).map(number).collect()
    }

    #[allow(clippy::cast_possible_truncation, reason = "pixels and labels need no more")]
    fn floats(self, bytes: &[u8]) -> Vec<f32> {
        let number = |bytes: &[u8]| match self.size {
            4 => f32::from_bits(self.value(bytes) as u32),
            _ => f64::from_bits(self.value(bytes)) as f32,
        };
        bytes.chunks_exact(self.size).map(number).collect()
    }

    fn texts(self, bytes: &[u8]) -> Vec<String> {
        let text = |bytes: &[u8]| -> String {
            let text: String = if self.letter == b'S' {
                String::from_utf8_lossy(bytes).into_owned()
            } else {
                let code = |bytes| u32::try_from(self.value(bytes)).ok().and_then(char::from_u32);
                bytes
                    .chunks_exact(4)
                    .map(|bytes| code(bytes).unwrap_or(char::REPLACEMENT_CHARACTER))
                    .collect()
            };
            text.trim_end_matches('\0').to_owned()
        };
        bytes.chunks_exact(self.size).map(text).collect()
    }
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

    fn labels(kind: &str, data: &[u8]) -> Result<Vec<i64>, Fault> {
        let size = kind[2..].parse::<usize>().unwrap();
        match parse("x".into(), npy(kind, &format!("({},)", data.len() / size), data))?.elements {
            Elements::Integers(numbers) => Ok(numbers),
            _ => Err(Fault::Unsupported("other elements".to_owned())),
        }
    }

    fn reason(fault: Fault) -> String {
        fault.of(Path::new("x")).to_string()
    }

    #[test]
    fn whole_numbers_of_every_width_and_order_are_read() {
        assert_eq!(labels("|i1", &[1, 0xFE]), Ok(vec![1, -2]));
        assert_eq!(labels("<u2", &[1, 2]), Ok(vec![0x201]));
        assert_eq!(labels(">i4", &[0xFF, 0xFF, 0xFF, 0xFD]), Ok(vec![-3]));
        assert_eq!(labels("<i8", &[5, 0, 0, 0, 0, 0, 0, 0]), Ok(vec![5]));
        assert!(reason(labels("<u8", &[0xFF; 8]).unwrap_err()).contains("out of range"));
        assert!(reason(labels("<f2", &[0; 4]).unwrap_err()).contains("<f2"));
    }

    #[test]
    fn what_does_not_fit_or_could_run_is_refused() {
        let message = |bytes: Vec<u8>| reason(parse("x".into(), bytes).map(|_| ()).unwrap_err());
        assert!(message(npy("|u1", "(2, 3)", &[0; 5])).contains("[2, 3]"));
        let objects = message(npy("|O", "(2,)", &[0; 2]));
        assert!(objects.contains("Python objects") && !objects.contains("damaged"), "{objects}");
        assert!(message(npy("|u1", "(99999999999, 99999999999)", &[])).contains("do not match"));
        assert!(message(b"\x93NUMPY\x02\x00\xFF\xFF\xFF\xFF".to_vec()).contains("header"));
    }

    #[test]
    fn fortran_order_is_turned_and_text_is_read() {
        let mut file = npy("|u1", "(2, 3)", &[1, 4, 2, 5, 3, 6]);
        let place = file.windows(5).position(|it| it == b"False").unwrap();
        file[place..place + 5].copy_from_slice(b"True ");
        let array = parse("x".into(), file).unwrap();
        assert!(matches!(array.elements, Elements::Bytes(bytes) if bytes == [1, 2, 3, 4, 5, 6]));
        let text = parse("x".into(), npy("<U2", "(2,)", b"c\0\0\0a\0\0\0d\0\0\0\0\0\0\0"));
        assert!(matches!(text.unwrap().elements, Elements::Texts(it) if it == ["ca", "d"]));
    }
}
