//! The IDX files of MNIST and its family, compressed or not.
//!
//! A file is `00 00 08`, the number of dimensions, each dimension in four bytes, and the bytes:
//! <http://yann.lecun.com/exdb/mnist/> and `LeCun` et al., 1998.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use crate::arrays::{Array, Part, splits};
use crate::{DataError, Splits, files};

/// Whether a file starts as an IDX file of bytes with images does.
pub(crate) fn is_idx(start: &[u8]) -> bool {
    start.starts_with(&[0, 0, 8, 3]) || start.starts_with(&[0, 0, 8, 4])
}

/// The images of one file, without labels.
pub(crate) fn open_file(path: &Path) -> Result<Splits, DataError> {
    splits(path, Part { pixels: read(path)?, labels: None }, None)
}

/// The family's published file names in `folder`, or in the folders that are usual for them.
pub(crate) fn open(folder: &Path) -> Result<Option<Splits>, DataError> {
    for folder in [folder.to_owned(), folder.join("raw"), folder.join("MNIST/raw")] {
        let Ok(files) = fs::read_dir(&folder) else { continue };
        let mut paths: Vec<PathBuf> = files.flatten().map(|entry| entry.path()).collect();
        paths.sort(); // of a file that is there both ways, the one that is not compressed
        let find = |test: bool, kind: &str| {
            paths.iter().find(|path| {
                let name = path.file_name().unwrap_or_default().to_string_lossy().replace('.', "-");
                let of_test = name.contains("t10k") || name.contains("test");
                name.contains(kind) && of_test == test && path.is_file()
            })
        };
        let part = |test| -> Result<Option<Part>, DataError> {
            let pixels = find(test, "images-idx").map(|path| read(path)).transpose()?;
            let labels = find(test, "labels-idx1").map(|path| read(path)).transpose()?;
            Ok(pixels.map(|pixels| Part { pixels, labels }))
        };
        if let Some(train) = part(false)? {
            return splits(&folder, train, part(true)?).map(Some);
        }
    }
    Ok(None)
}

fn read(path: &Path) -> Result<Array, DataError> {
    let damaged = DataError::damaged(path);
    let compressed = files::start(path, 2)?.starts_with(&[0x1F, 0x8B]);
    let file = File::open(path).map_err(DataError::read(path))?;
    let bytes = if compressed {
        files::read_to_end(path, GzDecoder::new(file))?
    } else {
        files::read_to_end(path, file)?
    };
    let (shape, start) = parse(&bytes).map_err(damaged)?;
    Ok(Array::bytes(path.display().to_string(), shape, bytes, start))
}

/// The dimensions, and where the data starts.
fn parse(bytes: &[u8]) -> Result<(Vec<usize>, usize), String> {
    let (head, rest) = bytes.split_first_chunk::<4>().ok_or("it is cut off")?;
    let [0, 0, 8, rank @ 1..=4] = *head else {
        return Err("it is no IDX file of bytes with up to 4 dimensions".to_owned());
    };
    let mut shape = Vec::new();
    let mut rest = rest;
    for _ in 0..rank {
        let (number, behind) = rest.split_first_chunk::<4>().ok_or("it is cut off")?;
        shape.push(u32::from_be_bytes(*number) as usize);
        rest = behind;
    }
    let wanted = shape.iter().try_fold(1_usize, |product, &side| product.checked_mul(side));
    if wanted != Some(rest.len()) {
        return Err(format!("{} bytes do not go with dimensions {shape:?}", rest.len()));
    }
    Ok((shape, bytes.len() - rest.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dimensions_must_go_with_the_bytes() {
        let file = [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3][..], &[7; 6]].concat();
        assert_eq!(parse(&file), Ok((vec![2, 1, 3], 16)));
        assert!(parse(&file[..21]).unwrap_err().contains("[2, 1, 3]"));
        assert!(parse(&file[..9]).unwrap_err().contains("cut off"));
        assert!(parse(&[0, 0, 13, 3]).is_err() && parse(&[0, 0, 8, 9]).is_err());
        let huge = [&[0, 0, 8, 4][..], &[0xFF; 16]].concat();
        assert!(parse(&huge).is_err());
    }
}
