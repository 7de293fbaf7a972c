//! The IDX files of MNIST and its family, compressed or not.
//!
//! A file is `00 00 08`, the number of dimensions, each dimension in four bytes, then the elements:
//! <http://yann.lecun.com/exdb/mnist/> and `LeCun` et al., 1998.

use std::fs;
use std::path::{Path, PathBuf};

use super::arrays::{Array, SplitArrays, array_splits};
use super::compression::open_decompressed;
use super::read::read_stream;
use crate::{DataError, Splits};

/// Returns whether a file starts as an IDX file of images does.
pub(crate) fn is_idx(start: &[u8]) -> bool {
    start.starts_with(&[0, 0, 8, 3]) || start.starts_with(&[0, 0, 8, 4])
}

/// Opens the images of one file, without labels.
pub(crate) fn open_idx(path: &Path) -> Result<Splits, DataError> {
    array_splits(path, SplitArrays { pixels: read(path)?, labels: None }, None)
}

/// Opens the family's published files in `folder`, or in the folders usual for them; `None` if
/// there are none.
pub(crate) fn open_idx_folder(folder: &Path) -> Result<Option<Splits>, DataError> {
    for folder in [folder.to_owned(), folder.join("raw"), folder.join("MNIST/raw")] {
        let Ok(files) = fs::read_dir(&folder) else { continue };
        let mut paths: Vec<PathBuf> = files.flatten().map(|entry| entry.path()).collect();
        paths.sort(); // of a file and its compressed copy, the file comes first
        let find = |test: bool, kind: &str| {
            paths.iter().find(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy().replace('.', "-");
                let of_test = name.contains("t10k") || name.contains("test");
                name.contains(kind) && of_test == test && path.is_file()
            })
        };
        let split = |test| -> Result<Option<SplitArrays>, DataError> {
            let pixels = find(test, "images-idx").map(|path| read(path)).transpose()?;
            let labels = find(test, "labels-idx1").map(|path| read(path)).transpose()?;
            Ok(pixels.map(|pixels| SplitArrays { pixels, labels }))
        };
        if let Some(train) = split(false)? {
            return array_splits(&folder, train, split(true)?).map(Some);
        }
    }
    Ok(None)
}

fn read(path: &Path) -> Result<Array, DataError> {
    let damaged = DataError::damaged(path);
    let bytes = read_stream(path, open_decompressed(path)?)?;
    let (shape, start) = parse(&bytes).map_err(damaged)?;
    Ok(Array::bytes(path.display().to_string(), shape, bytes, start))
}

/// Returns the shape, and the place where the elements start.
fn parse(bytes: &[u8]) -> Result<(Vec<usize>, usize), String> {
    let (head, rest) = bytes.split_first_chunk::<4>().ok_or("it is truncated")?;
    let [0, 0, 8, rank @ 1..=4] = *head else {
        return Err("it is not an IDX file of bytes with 1 to 4 dimensions".to_owned());
    };
    let mut shape = Vec::new();
    let mut rest = rest;
    for _ in 0..rank {
        let (number, behind) = rest.split_first_chunk::<4>().ok_or("it is truncated")?;
        shape.push(u32::from_be_bytes(*number) as usize);
        rest = behind;
    }
    let wanted = shape.iter().try_fold(1_usize, |product, &side| product.checked_mul(side));
    if wanted != Some(rest.len()) {
        return Err(format!("{} bytes do not match shape {shape:?}", rest.len()));
    }
    Ok((shape, bytes.len() - rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_must_match_the_bytes() {
        let file = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3][..], &[7; 6]].concat();
        assert_eq!(parse(&file), Ok((vec![2, 1, 3], 16)));
        assert!(parse(&file[..21]).unwrap_err().contains("[2, 1, 3]"));
        assert!(parse(&file[..9]).unwrap_err().contains("truncated"));
        assert!(parse(&[0, 0, 13, 3]).is_err() && parse(&[0, 0, 8, 9]).is_err());
        let huge = [&[0, 0, 8, 4][..], &[0xFF; 16]].concat();
        assert!(parse(&huge).is_err());
    }
}
