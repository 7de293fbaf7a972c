//! Images that belong to other images, such as masks of their objects: not to be learned from.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use image::{DynamicImage, GenericImageView};

use super::folder::FoundImage;
use super::names::words;
use crate::{Omitted, decode_image};

/// The last word of a folder of masks or of maps.
const FOLDERS: [&str; 28] = [
    "annotation",
    "annotations",
    "depth",
    "depths",
    "disparity",
    "groundtruth",
    "gt",
    "gtcoarse",
    "gtfine",
    "instances",
    "label",
    "labels",
    "manual",
    "mask",
    "masks",
    "matte",
    "mattes",
    "seg",
    "segmap",
    "segmaps",
    "segmentation",
    "segmentations",
    "segmentationclass",
    "segmentationclassaug",
    "segmentationobject",
    "trimap",
    "trimaps",
    "truth",
];
/// The last word of the folder of the images that they belong to.
const IMAGES: [&str; 9] =
    ["image", "images", "img", "imgs", "input", "inputs", "jpegimages", "leftimg8bit", "rgb"];
/// The end of a mask's name, where an image without it is beside.
const SUFFIXES: [&str; 12] = [
    "annotation",
    "groundtruth",
    "gt",
    "label",
    "labelids",
    "labels",
    "mask",
    "masks",
    "seg",
    "segmentation",
    "trimap",
    "truth",
];
/// Colors of a mask at most, by which it is recognized.
const MAX_COLORS: usize = 32;
/// Images compared for each pair of folders.
const SAMPLES: usize = 4;
/// The most folders beside each other of which one can be masks of another.
const MAX_FOLDERS: usize = 8;

const REASON: &str = "masks or maps of other images";

/// Removes masks and counts them.
pub(crate) fn omit_masks(images: Vec<FoundImage>, omitted: &mut Omitted) -> Vec<FoundImage> {
    let is_mask = masks(&images);
    let (mut kept, mut first, mut count) = (Vec::with_capacity(images.len()), None, 0);
    for (image, mask) in images.into_iter().zip(is_mask) {
        if mask {
            count += 1;
            first.get_or_insert(image.path);
        } else {
            kept.push(image);
        }
    }
    omitted.add_many(REASON, count, first.unwrap_or_default());
    kept
}

/// Returns for each image whether it is a mask of another.
fn masks(images: &[FoundImage]) -> Vec<bool> {
    let mut is_mask = vec![false; images.len()];
    if images.iter().any(|image| image.label.is_some()) {
        return is_mask; // what a list or a file beside an image labels is an image
    }
    by_suffix(images, &mut is_mask);
    by_folder(images, &mut is_mask);
    by_content(images, &mut is_mask);
    if is_mask.iter().all(|&mask| mask) { vec![false; images.len()] } else { is_mask }
}

/// Finds `a_mask.png` beside `a.jpg`.
fn by_suffix(images: &[FoundImage], is_mask: &mut [bool]) {
    let candidates: Vec<(usize, &str)> = images
        .iter()
        .enumerate()
        .filter_map(|(index, image)| Some((index, without_suffix(stem(&image.path))?)))
        .collect();
    if candidates.is_empty() {
        return;
    }
    let stems: HashSet<&str> = images.iter().map(|image| stem(&image.path)).collect();
    for (index, stem) in candidates {
        is_mask[index] |= stems.contains(stem);
    }
}

/// Finds `masks/a.png` beside `images/a.jpg`.
fn by_folder(images: &[FoundImage], is_mask: &mut [bool]) {
    let folder = |path: &str, names: &[&str]| -> Option<(usize, usize)> {
        let mut start = 0;
        for end in path.match_indices('/').map(|(slash, _)| slash) {
            let named = words(&path[start..end]);
            if named.last().is_some_and(|word| names.contains(&word.as_str())) {
                return Some((start, end));
            }
            start = end + 1;
        }
        None
    };
    // The names are looked at once for each folder.
    let mut known: HashMap<String, Option<(usize, usize)>> = HashMap::new();
    let mut roots: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let mut partners: BTreeSet<String> = BTreeSet::new();
    for (index, image) in images.iter().enumerate() {
        let parent = &image.path[..image.path.rfind('/').map_or(0, |slash| slash + 1)];
        if !known.contains_key(parent) {
            let found = folder(parent, &FOLDERS);
            if found.is_none()
                && let Some((start, _)) = folder(parent, &IMAGES)
            {
                partners.insert(parent[..start].to_owned());
            }
            known.insert(parent.to_owned(), found);
        }
        if let Some((_, end)) = known[parent] {
            roots.entry(image.path[..end].to_owned()).or_default().push(index);
        }
    }
    if roots.is_empty() {
        return;
    }
    let mut open: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (root, indices) in roots {
        let start = root.rfind('/').map_or(0, |slash| slash + 1);
        if partners.contains(&root[..start]) {
            mark(&indices, is_mask);
        } else {
            open.entry(root[start..].to_owned()).or_default().extend(indices);
        }
    }
    // Without a folder `images` beside, the name alone may be that of a class.
    for indices in open.into_values() {
        let inside: HashSet<usize> = indices.iter().copied().collect();
        let others: HashMap<&str, usize> = (0..images.len())
            .filter(|index| !inside.contains(index) && !is_mask[*index])
            .map(|index| (file_stem(&images[index].path), index))
            .collect();
        let pairs: Vec<(usize, usize)> = indices
            .iter()
            .filter_map(|&index| {
                let stem = file_stem(&images[index].path);
                let stem = without_suffix(stem).unwrap_or(stem);
                Some((index, *others.get(stem)?))
            })
            .collect();
        if 2 * pairs.len() >= indices.len() && are_masks(images, &pairs) {
            mark(&indices, is_mask);
        }
    }
}

/// Finds folders whose images have the names of those in a folder beside, and few colors.
fn by_content(images: &[FoundImage], is_mask: &mut [bool]) {
    // The images of each folder, by the folder that it is in; both of the first three levels.
    let mut folders: BTreeMap<&str, BTreeMap<&str, Vec<usize>>> = BTreeMap::new();
    for (index, image) in images.iter().enumerate().filter(|(index, _)| !is_mask[*index]) {
        let mut start = 0;
        for (end, _) in image.path.match_indices('/').take(3) {
            let inside = folders.entry(&image.path[..start]).or_default();
            inside.entry(&image.path[start..end]).or_default().push(index);
            start = end + 1;
        }
    }
    for (around, inside) in folders {
        if !(2..=MAX_FOLDERS).contains(&inside.len()) {
            continue;
        }
        let name = |index: usize, folder: &str| -> &str {
            stem(&images[index].path[around.len() + folder.len() + 1..])
        };
        for (folder, indices) in &inside {
            for (other, partners) in inside.iter().filter(|(other, _)| *other != folder) {
                let partners: HashMap<&str, usize> =
                    partners.iter().map(|&index| (name(index, other), index)).collect();
                let pairs: Vec<(usize, usize)> = indices
                    .iter()
                    .filter_map(|&index| Some((index, *partners.get(name(index, folder))?)))
                    .collect();
                if 10 * pairs.len() >= 9 * indices.len() && are_masks(images, &pairs) {
                    mark(indices, is_mask);
                    break;
                }
            }
        }
    }
}

fn mark(indices: &[usize], is_mask: &mut [bool]) {
    for &index in indices {
        is_mask[index] = true;
    }
}

/// Returns whether the first image of each pair is of few colors, the second is not, and both are
/// of the same size; judged by some of the pairs.
fn are_masks(images: &[FoundImage], pairs: &[(usize, usize)]) -> bool {
    let step = pairs.len().div_ceil(SAMPLES).max(1);
    let mut compared = 0;
    for &(mask, image) in pairs.iter().step_by(step) {
        let read = |index: usize| -> Option<DynamicImage> {
            decode_image(&images[index].bytes().ok()?).ok()
        };
        let Some(mask) = read(mask) else { continue };
        if !has_few_colors(&mask) {
            return false;
        }
        let Some(image) = read(image) else { continue };
        if mask.dimensions() != image.dimensions() || has_few_colors(&image) {
            return false;
        }
        compared += 1;
    }
    compared > 0
}

/// Returns whether nearly all pixels have one of few colors. Lossy formats blur the others.
fn has_few_colors(image: &DynamicImage) -> bool {
    let image = image.to_rgb8();
    let mut counts: HashMap<[u8; 3], usize> = HashMap::new();
    for pixel in image.pixels() {
        *counts.entry(pixel.0).or_default() += 1;
    }
    if counts.len() <= MAX_COLORS {
        return true;
    }
    let mut counts: Vec<usize> = counts.into_values().collect();
    counts.sort_unstable_by(|a, b| b.cmp(a));
    let most: usize = counts.iter().take(MAX_COLORS / 4).sum();
    50 * most >= 49 * (image.width() as usize * image.height() as usize)
}

/// Returns the path without the ending.
fn stem(path: &str) -> &str {
    path.rsplit_once('.').map_or(path, |(stem, _)| stem)
}

fn file_stem(path: &str) -> &str {
    stem(path.rsplit('/').next().unwrap_or(path))
}

/// Returns the name without a word such as `_mask` or `_mask_1` at its end.
fn without_suffix(stem: &str) -> Option<&str> {
    let end = |stem: &str| stem.rfind(['_', '-', ' ', '.']);
    let mut at = end(stem)?;
    if stem[at + 1..].bytes().all(|byte| byte.is_ascii_digit()) {
        at = end(&stem[..at])?;
    }
    let word = words(&stem[at + 1..]);
    let is = word.first().is_some_and(|word| SUFFIXES.contains(&word.as_str()));
    is.then(|| &stem[..at])
}
