//! What folders of images mean: splits, classes, or nothing.
//!
//! Decided by names and by structure, from the paths alone, so a folder and an archive of it are
//! understood alike.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::folder::FoundImage;
use super::names::{composed, words};
use crate::{FolderLayout, OpenOptions};

/// The split that a folder is named as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    Train,
    Val,
    Test,
    Unlabeled,
}

/// Folders whose subfolders are no classes: cities of Cityscapes, films of DAVIS.
const UNLABELED_FOLDERS: [&str; 2] = ["leftimg8bit", "jpegimages"];
/// Folders that hold the images where other folders hold what belongs to them.
const IMAGE_FOLDERS: [&str; 6] = ["images", "image", "imgs", "img", "jpegimages", "leftimg8bit"];
/// Words beside that of the split which say nothing.
const FILLERS: [&str; 9] =
    ["set", "data", "dataset", "split", "samples", "images", "image", "imgs", "img"];
/// From this number of folders on, they must hold two images each in the mean to be classes.
const MANY_CLASSES: usize = 4;

fn is_of_no_class(folder: &str) -> bool {
    UNLABELED_FOLDERS.iter().any(|known| folder.eq_ignore_ascii_case(known))
}

/// Returns the split whose usual name is `word`, in lower case.
fn role_of_word(word: &str) -> Option<Role> {
    Some(match word {
        "train" | "training" | "trainset" => Role::Train,
        "val" | "valid" | "validation" | "valset" | "eval" | "evaluation" | "dev" => Role::Val,
        "test" | "testing" | "testset" => Role::Test,
        "unlabeled" | "unlabelled" => Role::Unlabeled,
        _ => return None,
    })
}

/// Returns the split that a folder is named as: `Train`, `train2017`, `test_images`.
pub(crate) fn role(name: &str) -> Option<Role> {
    let words = words(name);
    let mut words = words.iter().filter(|word| !FILLERS.contains(&word.as_str()));
    let role = role_of_word(words.next()?)?;
    words.next().is_none().then_some(role)
}

/// Returns the splits of folders whose names are the same up to that of the split, such as
/// `seg_train` and `seg_test`.
fn paired_roles<'a>(names: impl Iterator<Item = &'a String>) -> BTreeMap<&'a str, Role> {
    let mut pairs: BTreeMap<Vec<String>, Vec<(&str, Role)>> = BTreeMap::new();
    for name in names {
        let mut rest = words(name);
        let roles: Vec<usize> =
            (0..rest.len()).filter(|&at| role_of_word(&rest[at]).is_some()).collect();
        if let [at] = roles[..]
            && let Some(role) = role_of_word(&rest.remove(at))
        {
            pairs.entry(rest).or_default().push((name, role));
        }
    }
    let different = |pair: &Vec<(&str, Role)>| pair.iter().any(|(_, role)| *role != pair[0].1);
    pairs.into_values().filter(different).flatten().collect()
}

/// What is done with the images below a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// Learned from. With `true`, the next folder is the class.
    Train(bool),
    /// Tested with. The next folder is the class.
    Test,
    /// Omitted, for this reason.
    Omit(String),
}

/// What is done with all images.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// By the path of a folder; the longest decides.
    parts: BTreeMap<String, Part>,
    pub(crate) found: String,
}

impl Plan {
    /// Returns what is done with the image at `path`, and the class of its folder.
    pub(crate) fn place(&self, path: &str) -> (Part, Option<String>) {
        let ends = path.rmatch_indices('/').map(|(slash, _)| slash + 1).chain([0]);
        let mut parts = ends.filter_map(|end| Some((end, self.parts.get(&path[..end])?)));
        let Some((end, part)) = parts.next() else { return (Part::Train(false), None) };
        let class = path[end..].split_once('/').map(|(class, _)| class.to_owned());
        let labeled = matches!(part, Part::Train(true) | Part::Test);
        (part.clone(), class.filter(|_| labeled))
    }

    fn set(&mut self, path: &str, part: Part) {
        self.parts.insert(path.to_owned(), part);
    }
}

/// The images in a folder.
#[derive(Debug, Default)]
struct Folder {
    folders: BTreeMap<String, Self>,
    /// Names of the images that are in no further folder, without their endings.
    names: Vec<String>,
    /// Images in this folder and all below.
    images: usize,
    /// Those with a label from a file beside them.
    labeled: usize,
}

impl Folder {
    fn of(images: &[FoundImage]) -> Self {
        let mut root = Self::default();
        for image in images {
            root.add(&image.path, image.label.is_some());
        }
        root
    }

    fn add(&mut self, path: &str, labeled: bool) {
        self.images += 1;
        self.labeled += usize::from(labeled);
        if let Some((name, rest)) = path.split_once('/') {
            self.folders.entry(name.to_owned()).or_default().add(rest, labeled);
        } else {
            let stem = path.rsplit_once('.').map_or(path, |(stem, _)| stem);
            self.names.push(stem.to_owned());
        }
    }

    /// Returns the folder within that holds everything, and its path: this one, or one further in
    /// that is the only one each time. Does not enter a class that is `known`.
    fn innermost<'a>(&'a self, path: &str, known: &BTreeSet<String>) -> (&'a Self, String) {
        let (mut folder, mut path) = (self, path.to_owned());
        while let (true, [(name, inner)]) =
            (folder.names.is_empty(), &folder.folders.iter().collect::<Vec<_>>()[..])
            && !known.contains(&composed(name))
        {
            (folder, path) = (*inner, format!("{path}{name}/"));
        }
        (folder, path)
    }

    /// Returns whether the folders in this one, the innermost, can be classes.
    fn has_classes(&self) -> bool {
        self.folders.len() > 1 && self.names.len() <= self.images / 2
    }

    fn class_names(&self) -> BTreeSet<String> {
        self.folders.keys().map(|name| composed(name)).collect()
    }

    /// Returns whether there are many folders with hardly more than an image each.
    fn is_scattered(&self) -> bool {
        self.folders.len() >= MANY_CLASSES && self.images < 2 * self.folders.len()
    }

    /// Returns whether the folders are pieces of one numbered sequence: `00012/000120034.jpg` of
    /// img2dataset, `01000/01234.png`, `3f/3f90c1.jpg`.
    fn is_numbered(&self) -> bool {
        let hex = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_hexdigit());
        let value = |text: &str| text.parse::<u64>().ok().filter(|_| !text.starts_with('+'));
        let length = self.folders.keys().next().map_or(0, String::len);
        let starts: Vec<Option<u64>> = self.folders.keys().map(|name| value(name)).collect();
        let ends = starts.iter().skip(1).copied().chain([Some(u64::MAX)]);
        let pieces = self.folders.iter().zip(starts.iter().zip(ends));
        let mut has_digit = false;
        for ((name, folder), (start, end)) in pieces {
            if !hex(name) || name.len() != length || !folder.folders.is_empty() {
                return false;
            }
            has_digit |= name.bytes().any(|byte| byte.is_ascii_digit());
            let continued = |stem: &String| {
                hex(stem) && stem.len() >= length + 2 && stem.starts_with(name.as_str())
            };
            let counted = |stem: &String| {
                let range = start.zip(end);
                let inside = |stem, (start, end)| (start..end).contains(&stem);
                length > 3
                    && stem.len() == length
                    && value(stem).zip(range).is_some_and(|(stem, range)| inside(stem, range))
            };
            if !folder.names.iter().all(|stem| continued(stem) || counted(stem)) {
                return false;
            }
        }
        has_digit && self.folders.len() > 1
    }
}

/// Decides what is done with the images.
///
/// # Errors
/// If the options ask for splits or classes and there are none; what is missing.
pub(crate) fn plan(images: &[FoundImage], options: &OpenOptions) -> Result<Plan, String> {
    let root = Folder::of(images);
    if options.layout == FolderLayout::Flat {
        return Ok(Plan { found: "images without labels".to_owned(), ..Plan::default() });
    }
    let mut plan = Plan::default();
    let classes: BTreeSet<String> = options.classes.iter().map(|name| composed(name)).collect();
    let planner = Planner { layout: options.layout, classes };
    planner.folder(&root, "", &mut plan)?;
    Ok(plan)
}

struct Planner {
    layout: FolderLayout,
    /// Folders that are classes and nothing else.
    classes: BTreeSet<String>,
}

/// A folder with its name and its path.
#[derive(Clone, Copy)]
struct Child<'a> {
    name: &'a str,
    role: Option<Role>,
    folder: &'a Folder,
}

impl Planner {
    fn folder(&self, folder: &Folder, path: &str, plan: &mut Plan) -> Result<(), String> {
        let paired = paired_roles(folder.folders.keys());
        let child = |(name, folder)| {
            let name: &String = name;
            let role = role(name).or_else(|| paired.get(name.as_str()).copied());
            let role = role.filter(|_| !self.classes.contains(&composed(name)));
            Child { name, role: role.filter(|_| self.layout != FolderLayout::Classes), folder }
        };
        let (splits, others): (Vec<Child>, Vec<Child>) =
            folder.folders.iter().map(child).partition(|child| child.role.is_some());
        let split = self.are_splits(folder, &splits, &others);
        if split {
            self.splits(folder, path, &splits, &others, plan);
            return Ok(());
        }
        if let ([only], []) = (&others[..], &folder.names[..])
            && splits.is_empty()
            && !self.classes.contains(&composed(only.name))
        {
            return self.folder(only.folder, &format!("{path}{}/", only.name), plan);
        }
        if self.layout == FolderLayout::Splits {
            return Err("has no folders named as splits, such as train, test, val or unlabeled; \
                        name them so, or choose the layout `auto`"
                .to_owned());
        }
        if self.layout == FolderLayout::Auto
            && let Some(inner) = image_folder(&others)
        {
            let here = format!("{path}{}/", inner.name);
            plan.set(path, Part::Omit(format!("images beside the folder {here}")));
            return self.folder(inner.folder, &here, plan);
        }
        // A folder without labels beside classes is one.
        let (unlabeled, named): (Vec<Child>, Vec<Child>) =
            splits.into_iter().partition(|child| child.role == Some(Role::Unlabeled));
        for child in &unlabeled {
            plan.set(&format!("{path}{}/", child.name), Part::Train(false));
        }
        let apart: usize = unlabeled.iter().map(|child| child.folder.images).sum();
        if let ([only], [], []) = (&others[..], &named[..], &folder.names[..])
            && !self.classes.contains(&composed(only.name))
        {
            self.folder(only.folder, &format!("{path}{}/", only.name), plan)?;
        } else {
            self.classes(folder, path, unlabeled.len(), apart, plan)?;
        }
        if let Some(mistaken) = named.first() {
            let folder = format!("{path}{}/", mistaken.name);
            let _ = write!(plan.found, "; {folder} is a class, not a split");
        }
        if let Some(child) = unlabeled.first() {
            let _ = write!(plan.found, ", and images without labels in {path}{}/", child.name);
        }
        Ok(())
    }

    /// Returns whether the folders named as splits are splits.
    fn are_splits(&self, folder: &Folder, splits: &[Child], others: &[Child]) -> bool {
        let roles: BTreeSet<Option<Role>> = splits
            .iter()
            .map(|child| child.role)
            .filter(|role| *role != Some(Role::Unlabeled))
            .collect();
        if self.layout == FolderLayout::Splits {
            return !splits.is_empty();
        }
        if roles.is_empty() {
            return false;
        }
        if others.is_empty() {
            // A few images beside splits are not used. Many images beside a folder `train` are.
            return folder.names.len() <= folder.images / 2;
        }
        if roles.len() > 1 {
            return true;
        }
        let classes_of = |children: &[Child]| -> BTreeSet<String> {
            let inner = children.iter().map(|child| child.folder.innermost("", &self.classes).0);
            inner.filter(|inner| inner.has_classes()).flat_map(Folder::class_names).collect()
        };
        let inside = classes_of(splits);
        if inside.is_empty() {
            return false; // one folder of images with the name of a split among other folders
        }
        let beside: BTreeSet<String> = others.iter().map(|child| composed(child.name)).collect();
        let shared = !inside.is_disjoint(&classes_of(others)) || !inside.is_disjoint(&beside);
        let of_train = roles.contains(&Some(Role::Train));
        let divided = others
            .iter()
            .filter(|child| child.folder.innermost("", &self.classes).0.has_classes())
            .count();
        // `bus/city/…`, `plane/jet/…` and `train/steam/…` are three classes; `train/bus/…` beside
        // `docs/…` is a split.
        shared || (of_train && divided < 2) || others.len() < 2
    }

    /// Plans folders of splits.
    fn splits(
        &self,
        folder: &Folder,
        path: &str,
        splits: &[Child],
        others: &[Child],
        plan: &mut Plan,
    ) {
        let of = |role: Role| -> Vec<Child> {
            splits.iter().copied().filter(|child| child.role == Some(role)).collect()
        };
        let [mut train, mut val, mut test, unlabeled] =
            [Role::Train, Role::Val, Role::Test, Role::Unlabeled].map(of);
        let names = |children: &[Child]| -> String {
            let names = children.iter().map(|child| format!("{path}{}/", child.name));
            names.collect::<Vec<_>>().join(", ")
        };
        let no_split = "images in no split (train, val, test or unlabeled)".to_owned();
        plan.set(path, Part::Omit(no_split));
        if train.is_empty() {
            let known: BTreeSet<String> = others.iter().map(|child| composed(child.name)).collect();
            let same = val.iter().chain(&test).any(|child| {
                let inner = child.folder.innermost("", &known).0;
                !inner.folders.is_empty() && inner.class_names().is_subset(&known)
            });
            if same && others.len() > 1 {
                plan.set(path, Part::Train(true));
                let tests = plan_tests(path, &test, &val, &known, plan);
                plan.found = format!("class folders and {tests}");
                return;
            }
            train = std::mem::take(if val.is_empty() { &mut test } else { &mut val });
        }
        let note = if of(Role::Train).is_empty() { " (there is no train/)" } else { "" };
        let (mut known, mut labeled) = (self.classes.clone(), false);
        for child in &train {
            let here = format!("{path}{}/", child.name);
            let (inner, inner_path) = child.folder.innermost(&here, &self.classes);
            let has_classes = self.has_classes(inner, &inner_path, folder);
            labeled |= has_classes || child.folder.labeled > 0;
            if has_classes {
                known.extend(inner.class_names());
            }
            plan.set(&here, Part::Train(false));
            plan.set(&inner_path, Part::Train(has_classes));
        }
        let kind = if labeled { "class folders" } else { "images without labels" };
        let mut found = format!("{kind} in {}{note}", names(&train));
        if labeled {
            let tests = plan_tests(path, &test, &val, &known, plan);
            if !tests.is_empty() {
                let _ = write!(found, " and {tests}");
            }
        } else {
            // Images with labels are learned from as well, so that something can be evaluated.
            for child in test.iter().chain(&val) {
                let here = format!("{path}{}/", child.name);
                let (inner, inner_path) = child.folder.innermost(&here, &self.classes);
                if self.has_classes(inner, &inner_path, folder) {
                    plan.set(&here, Part::Train(false));
                    plan.set(&inner_path, Part::Train(true));
                    let _ = write!(found, ", class folders in {here}, all to learn from");
                    break;
                }
                plan.set(
                    &here,
                    Part::Omit(format!("images in {here}, which has no labels to test")),
                );
            }
        }
        for child in &unlabeled {
            plan.set(&format!("{path}{}/", child.name), Part::Train(false));
        }
        if !unlabeled.is_empty() {
            let kind = if labeled { ", images without labels in " } else { ", " };
            let _ = write!(found, "{kind}{}", names(&unlabeled));
        }
        plan.found = found;
    }

    /// Returns whether the folders in `inner`, at `path`, are classes.
    fn has_classes(&self, inner: &Folder, path: &str, all: &Folder) -> bool {
        let known = !self.classes.is_empty() || self.layout == FolderLayout::Classes;
        let pieces = path.split('/').any(is_of_no_class)
            || inner.is_numbered()
            || (inner.is_scattered() && all.images < 2 * inner.folders.len());
        inner.has_classes() && (known || !pieces)
    }

    /// Plans a folder that has no splits, `apart` of whose images are in `others` folders without
    /// labels.
    fn classes(
        &self,
        folder: &Folder,
        path: &str,
        others: usize,
        apart: usize,
        plan: &mut Plan,
    ) -> Result<(), String> {
        let place = if path.is_empty() { String::new() } else { format!(" in {path}") };
        let (count, images) = (folder.folders.len() - others, folder.images - apart);
        let asked = self.layout == FolderLayout::Classes || !self.classes.is_empty();
        let beside = folder.names.len();
        if asked && count == 0 {
            return Err("has no class folders; put the images of each class into a folder, or \
                        choose the layout `auto`"
                .to_owned());
        }
        let reason = if count < 2 {
            String::new()
        } else if beside > images / 2 {
            " (most are in no folder)".to_owned()
        } else if path.split('/').any(is_of_no_class)
            || folder
                .folders
                .values()
                .any(|inner| inner.folders.keys().any(|it| is_of_no_class(it)))
        {
            format!(" ({count} folders here are no classes)")
        } else if folder.is_numbered() {
            format!(" ({count} numbered folders are pieces, not classes)")
        } else if folder.is_scattered() {
            format!(" ({count} folders of {images} images are too many to be classes)")
        } else {
            plan.set(path, Part::Train(true));
            plan.found = format!("class folders{place}");
            if beside > 0 {
                let _ = write!(plan.found, ", and {beside} beside them without labels");
            }
            return Ok(());
        };
        plan.set(path, Part::Train(asked));
        plan.found = if asked {
            format!("class folders{place}")
        } else {
            format!("images without labels{place}{reason}")
        };
        Ok(())
    }
}

/// Plans the test images: those of `test` or, if these have no labels, those of `val`. Returns
/// their folders.
fn plan_tests(
    path: &str,
    test: &[Child],
    val: &[Child],
    known: &BTreeSet<String>,
    plan: &mut Plan,
) -> String {
    let (mut found, mut role) = (String::new(), None);
    for child in test.iter().chain(val) {
        let here = format!("{path}{}/", child.name);
        let (inner, inner_path) = child.folder.innermost(&here, known);
        let (inner, inner_path) = class_of(child.folder, &here, inner, inner_path);
        let has_labels = child.folder.labeled > 0
            || (!inner.folders.is_empty() && inner.names.len() <= inner.images / 2);
        let part = if !has_labels {
            Part::Omit(format!("images in {here}, which has no labels to test"))
        } else if role.is_none_or(|role| child.role == role) {
            role = Some(child.role);
            found += if found.is_empty() { "" } else { ", " };
            found += &here;
            Part::Test
        } else {
            Part::Omit(format!("images in {here}, beside the test images in {found}"))
        };
        plan.set(&here, part.clone());
        plan.set(&inner_path, part);
    }
    found
}

/// Returns the folder of the test images' classes: `inner`, at `path`, or `test`, at `here`, if it
/// holds a single one.
fn class_of<'a>(
    test: &'a Folder,
    here: &str,
    inner: &'a Folder,
    path: String,
) -> (&'a Folder, String) {
    let names: Vec<&str> = path[here.len()..].split_terminator('/').collect();
    let says_nothing = |word: &String| {
        FILLERS.contains(&word.as_str()) || word == "unknown" || role_of_word(word).is_some()
    };
    match names[..] {
        [only] if inner.folders.is_empty() && !words(only).iter().all(says_nothing) => {
            (test, here.to_owned())
        }
        _ => (inner, path),
    }
}

/// Returns the one folder that holds the images, where others hold what belongs to them.
fn image_folder<'a>(children: &[Child<'a>]) -> Option<Child<'a>> {
    let is =
        |child: &&Child| IMAGE_FOLDERS.iter().any(|name| child.name.eq_ignore_ascii_case(name));
    let mut named = children.iter().filter(is);
    let found = *named.next()?;
    (children.len() > 1 && named.next().is_none()).then_some(found)
}
