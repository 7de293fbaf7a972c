//! Samples of several files, as in the shards of a `WebDataset`: an image, its label and more.
//!
//! In a [WebDataset](https://github.com/webdataset/webdataset), members whose paths are the same up
//! to the first dot of the file name belong together.

use std::collections::{BTreeMap, HashMap};

use super::archive::{Archive, Content, Label, Member, Members};
use super::folder::{FoundImage, Location};
use super::walk::no_image;

/// Words between the dots of a name that say that an image is not the photograph.
const BESIDE: [&str; 17] = [
    "alpha",
    "annotation",
    "depth",
    "disparity",
    "edge",
    "edges",
    "flow",
    "gt",
    "label",
    "labels",
    "mask",
    "masks",
    "normal",
    "normals",
    "seg",
    "segmentation",
    "thumb",
];
/// Words of the one that is, if none is without such words.
const PLAIN: [&str; 8] = ["image", "img", "rgb", "photo", "input", "color", "left", "0"];

/// Returns whether a member may label an image.
pub(crate) fn is_label(name: &str) -> bool {
    matches!(ending(name), "cls" | "json")
}

/// Reads the label in a `.cls` (its text) or `.json` (its `label`, `cls` or `class`: a number or
/// text).
pub(crate) fn label(name: &str, bytes: &[u8]) -> Label {
    use serde_json::Value;
    let one = |text: &str| match text.trim() {
        "" => Label::None,
        text => Label::One(text.to_owned()),
    };
    if ending(name) == "cls" {
        return str::from_utf8(bytes).map_or(Label::None, one);
    }
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return Label::None };
    let found = ["label", "cls", "class"].iter().find_map(|name| value.get(name));
    let found = match found {
        Some(Value::Array(values)) if values.len() > 1 => return Label::Several,
        Some(Value::Array(values)) => values.first(),
        other => other,
    };
    match found {
        Some(Value::Number(number)) => Label::One(number.to_string()),
        Some(Value::String(text)) => one(text),
        _ => Label::None,
    }
}

/// The members of one key.
#[derive(Default)]
struct Sample {
    images: Vec<usize>,
    /// The labels that are there, each with the member it is in.
    labels: Vec<(usize, Label)>,
    /// Whether anything is beside the images.
    beside: bool,
}

/// Returns the images of an archive, one for each sample, with their labels.
pub(crate) fn archive(members: Members) -> Archive {
    let Members { archive, list, mut omitted, .. } = members;
    let used = chosen(&list);
    let (mut images, mut files) = (Vec::new(), HashMap::new());
    for (at, Member { name, content }) in list.into_iter().enumerate() {
        match (content, &used[at]) {
            (Content::Image(bytes), Use::As(label)) => {
                if *label == Some(Label::Several) {
                    omitted.add(SEVERAL, &name);
                }
                let label = match label {
                    Some(Label::One(label)) => Some(label.clone()),
                    _ => None,
                };
                let path = name.clone();
                let location = Location::Member { name, archive: archive.clone(), bytes };
                images.push(FoundImage { path, label, location });
            }
            (Content::Image(_), _) => {
                omitted.add("further images of a sample (mask, view or the like)", name);
            }
            (Content::Label(label), used) => {
                if matches!(used, Use::Not) {
                    omitted.add("labels and texts without an image of their name", name);
                } else if label == Label::None {
                    let ending = ending(&name);
                    omitted.add(&format!("files ending in .{ending}, without a label"), name);
                }
            }
            (Content::File(bytes), _) => {
                let reason = no_image(&name, || false).unwrap_or_default();
                omitted.add(&reason, &name);
                files.extend(bytes.map(|bytes| (name, bytes)));
            }
        }
    }
    Archive { images, files, omitted }
}

/// The reason to use images without their labels.
pub(crate) const SEVERAL: &str = "images with several labels, used without one";

/// How a member is used.
enum Use {
    /// An image with this label, or a label.
    As(Option<Label>),
    Not,
}

/// Returns how each member is used.
fn chosen(list: &[Member]) -> Vec<Use> {
    let mut samples: BTreeMap<&str, Sample> = BTreeMap::new();
    for (at, member) in list.iter().enumerate() {
        let sample = samples.entry(key(&member.name)).or_default();
        match &member.content {
            Content::Image(_) => sample.images.push(at),
            Content::Label(label) => {
                sample.beside = true;
                sample.labels.push((at, label.clone()));
            }
            Content::File(_) => sample.beside = true,
        }
    }
    let mut used: Vec<Use> = list.iter().map(|_| Use::Not).collect();
    let together = are_alike(list, &samples);
    for (key, sample) in &samples {
        let images = &sample.images;
        if images.is_empty() {
            continue;
        }
        let part = |at: usize| middle(&list[at].name, key);
        // Names with dots in a folder of images, each with its own label.
        let own = |at: usize| {
            let stem = stem(&list[at].name);
            sample.labels.iter().find(|(label, _)| stem == self::stem(&list[*label].name))
        };
        if images.iter().filter(|&&at| own(at).is_some()).count() > 1
            && images.iter().all(|&at| !part(at).is_empty())
        {
            for &at in images {
                used[at] = Use::As(own(at).map(|(_, label)| label.clone()));
            }
        } else {
            let known = sample.labels.iter().map(|(_, label)| label);
            let label = known.clone().find(|label| **label != Label::None);
            let alone = |at: &usize| {
                let words: Vec<&str> = part(*at).split('.').collect();
                !words.iter().any(|word| BESIDE.iter().any(|it| word.eq_ignore_ascii_case(it)))
            };
            let mut plain: Vec<usize> = images.iter().copied().filter(alone).collect();
            if plain.is_empty() {
                plain.clone_from(images);
            }
            if sample.beside || together {
                let best = plain.iter().copied().min_by_key(|&at| rank(part(at), &list[at].name));
                plain = best.into_iter().collect();
            }
            for at in plain {
                used[at] = Use::As(label.cloned());
            }
        }
        for (at, _) in &sample.labels {
            used[*at] = Use::As(None);
        }
    }
    used
}

/// Returns whether all samples are of the same several images, such as a photograph in JPEG and a
/// mask in PNG, or `left.png` and `right.png`.
fn are_alike(list: &[Member], samples: &BTreeMap<&str, Sample>) -> bool {
    let mut kinds = samples.iter().filter(|(_, sample)| !sample.images.is_empty()).map(
        |(key, sample)| -> Vec<&str> {
            let mut kinds: Vec<&str> =
                sample.images.iter().map(|&at| &list[at].name[key.len()..]).collect();
            kinds.sort_unstable();
            kinds
        },
    );
    let Some(first) = kinds.next() else { return false };
    let words = first.iter().all(|kind| {
        let (middle, _) = kind.rsplit_once('.').unwrap_or(("", ""));
        middle.is_empty() || middle.bytes().any(|byte| byte.is_ascii_alphabetic())
    });
    let mut others = kinds.peekable();
    first.len() > 1 && words && others.peek().is_some() && others.all(|kinds| kinds == first)
}

/// Orders the images of a sample: the plain one first, photographs before masks.
fn rank(middle: &str, name: &str) -> (bool, usize, bool) {
    let place = PLAIN.iter().position(|word| middle.eq_ignore_ascii_case(word));
    let lossless = matches!(ending(name).to_ascii_lowercase().as_str(), "png" | "gif" | "bmp");
    (!middle.is_empty(), place.unwrap_or(PLAIN.len()), lossless)
}

/// Returns the key of a member: its folders, and its name up to the first dot.
fn key(name: &str) -> &str {
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    let dot = name[start..].find('.').map_or(name.len(), |dot| start + dot);
    &name[..dot]
}

/// Returns what is between the key and the ending: `mask` of `000.mask.png`.
fn middle<'a>(name: &'a str, key: &str) -> &'a str {
    let rest = name[key.len()..].strip_prefix('.').unwrap_or_default();
    rest.rsplit_once('.').map_or("", |(middle, _)| middle)
}

fn stem(name: &str) -> &str {
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

fn ending(name: &str) -> &str {
    name.rsplit_once('.').map_or("", |(_, ending)| ending)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_ends_at_the_first_dot_of_the_name() {
        assert_eq!(key("a.b/000.left.jpg"), "a.b/000");
        assert_eq!(key("000"), "000");
        assert_eq!(middle("a.b/000.left.eye.jpg", "a.b/000"), "left.eye");
        assert_eq!(middle("000.jpg", "000"), "");
    }

    #[test]
    fn labels_are_text_or_numbers() {
        let one = |text: &str| Label::One(text.to_owned());
        assert_eq!(label("x.cls", b" 12\n"), one("12"));
        assert_eq!(label("x.json", br#"{"label": 3}"#), one("3"));
        assert_eq!(label("x.json", br#"{"class": "cat", "text": "a cat"}"#), one("cat"));
        assert_eq!(label("x.json", br#"{"label": [1, 2]}"#), Label::Several);
        assert_eq!(label("x.json", br#"{"caption": "a cat"}"#), Label::None);
        assert_eq!(label("x.json", b"{"), Label::None);
        assert_eq!(label("x.cls", b"\xFF"), Label::None);
    }
}
