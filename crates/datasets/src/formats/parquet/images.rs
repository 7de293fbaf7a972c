//! Images in Parquet files, read on demand.
//!
//! A page is compressed as a whole and often as large as its row group, so row groups are kept once
//! they are read, if there is memory for all; else only the page of an image is read, each time.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use image::DynamicImage;
use parquet::basic::Type;
use parquet::column::reader::{ColumnReaderImpl, get_column_reader, get_typed_column_reader};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::{ParquetMetaData, ParquetMetaDataReader};
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::file::statistics::Statistics;
use rayon::prelude::*;

use super::columns::Columns;
use crate::formats::archive::split_of;
use crate::formats::classes::Classes;
use crate::formats::layout::Role;
use crate::formats::samples::SEVERAL;
use crate::{DataError, Dataset, Omitted, Splits, decode_image, stamp};

/// The most bytes of encoded images that are kept in memory.
const MAX_KEPT: i64 = 4 << 30;
/// Values read at once.
const BATCH: usize = 1_024;
/// The same of images, to find those that are missing.
const FEW: usize = 16;

/// A file whose images are read on demand.
struct Part {
    path: PathBuf,
    size: u64,
    metadata: Arc<ParquetMetaData>,
    columns: Columns,
    /// Labels by row, and the rows that have an image.
    labels: Vec<Option<String>>,
    rows: Vec<usize>,
    /// The images of each row group, once they are read.
    kept: Vec<OnceLock<Images>>,
}

/// The images of consecutive rows; `None` for rows without one.
type Images = Vec<Option<ByteArray>>;

/// The images of one split.
struct ParquetImages {
    parts: Vec<Arc<Part>>,
    /// The part and the row of each image.
    places: Vec<(usize, usize)>,
    /// Whether all images are kept once they are read.
    keep: bool,
    labels: Vec<Option<usize>>,
    classes: Arc<[String]>,
}

/// A file, and the split that it is named after.
type SplitPart = (Option<Role>, Arc<Part>);

/// Opens files as one data set. A file that is named after a split is of that split.
pub(super) fn open(
    root: &Path,
    names: &[String],
    mut omitted: Omitted,
) -> Result<Splits, DataError> {
    let mut names = names.to_vec();
    names.sort();
    let read = |name: &String| {
        let path = if name.is_empty() { root.to_owned() } else { root.join(name) };
        let alone = names.len() == 1;
        Ok((if alone { None } else { split_of(name) }, Arc::new(Part::open(path)?)))
    };
    let parts: Result<Vec<SplitPart>, DataError> = names.par_iter().map(read).collect();
    let parts = parts?;
    note(&parts, &mut omitted);
    let labeled = |role| {
        parts.iter().any(|(it, part)| *it == Some(role) && part.labels.iter().any(Option::is_some))
    };
    let learned = parts.iter().any(|(role, _)| matches!(role, None | Some(Role::Train)));
    let tested = [Role::Test, Role::Val].into_iter().find(|role| learned && labeled(*role));
    let (mut train, mut test) = (Vec::new(), Vec::new());
    for (role, part) in &parts {
        let (count, name) = (part.rows.len(), part.path.display().to_string());
        match role {
            Some(Role::Test | Role::Val) if *role == tested => test.push(part.clone()),
            Some(Role::Test | Role::Val) if learned => {
                let reason = if tested.is_some() {
                    "images of a split that is neither trained nor tested with"
                } else {
                    "images of a test split without labels"
                };
                omitted.add_many(reason, count, name);
            }
            _ => train.push(part.clone()),
        }
    }
    let splits = if test.is_empty() { "" } else { ", with a test split" };
    let found = format!("images in Parquet{splits}");
    let (train, test) = labeled_images(root, train, test, &mut omitted)?;
    if train.places.is_empty() {
        return Err(DataError::Empty { path: root.to_owned() });
    }
    let test = (!test.places.is_empty()).then(|| Arc::new(test) as Arc<dyn Dataset>);
    Ok(Splits { train: Arc::new(train), test, found, omitted })
}

/// Counts what is not read.
fn note(parts: &[SplitPart], omitted: &mut Omitted) {
    let unread: BTreeSet<&String> =
        parts.iter().flat_map(|(_, part)| &part.columns.unread).collect();
    for column in unread {
        omitted.add("columns that are not read", column);
    }
    for (_, part) in parts {
        let name = part.path.display().to_string();
        let missing = part.labels.len() - part.rows.len();
        omitted.add_many("images that are paths to files elsewhere", missing, &name);
        if part.columns.several {
            omitted.add_many(SEVERAL, part.rows.len(), name);
        }
    }
}

/// Returns the images of both splits, with classes of the names in the files or numbered by labels.
fn labeled_images(
    root: &Path,
    train: Vec<Arc<Part>>,
    test: Vec<Arc<Part>>,
    omitted: &mut Omitted,
) -> Result<(ParquetImages, ParquetImages), DataError> {
    let places = |parts: &[Arc<Part>]| -> Vec<(usize, usize)> {
        let of = |(at, part): (usize, &Arc<Part>)| {
            part.rows.iter().map(|&row| (at, row)).collect::<Vec<_>>()
        };
        parts.iter().enumerate().flat_map(of).collect()
    };
    let labels = |parts: &[Arc<Part>], places: &[(usize, usize)]| -> Vec<Option<String>> {
        places.iter().map(|&(part, row)| parts[part].labels[row].clone()).collect()
    };
    let (train_places, mut test_places) = (places(&train), places(&test));
    let before = test_places.len();
    test_places.retain(|&(part, row)| test[part].labels[row].is_some());
    if let Some(part) = test.first() {
        let name = part.path.display().to_string();
        omitted.add_many("test images without a label", before - test_places.len(), name);
    }
    let (train_labels, test_labels) = (labels(&train, &train_places), labels(&test, &test_places));
    let mut known = train.iter().chain(&test).map(|part| &part.columns.classes);
    let names = known.next().cloned().flatten().filter(|names| {
        known.all(|other| other.as_ref() == Some(names))
            && train_labels.iter().flatten().collect::<BTreeSet<_>>().len() > 1
    });
    let classes = match names {
        // In the order of the files, which is that of everyone who uses them.
        Some(names) => {
            let number = |label: &Option<String>| label.as_ref()?.parse::<usize>().ok();
            let numbers = |labels: &[Option<String>]| labels.iter().map(number).collect();
            let (train, test): (Vec<_>, Vec<_>) = (numbers(&train_labels), numbers(&test_labels));
            if let Some(beyond) = train.iter().chain(&test).flatten().find(|&&it| it >= names.len())
            {
                let reason = format!("a label is {beyond}, but there are {} classes", names.len());
                return Err(DataError::damaged(root)(reason));
            }
            Classes { names: names.into(), train, test }
        }
        None => Classes::number(root, &train_labels, &test_labels)?,
    };
    let bytes: i64 = train.iter().chain(&test).map(|part| part.image_bytes()).sum();
    let images = |parts, places, labels| ParquetImages {
        parts,
        places,
        keep: bytes <= MAX_KEPT,
        labels,
        classes: classes.names.clone(),
    };
    Ok((images(train, train_places, classes.train), images(test, test_places, classes.test)))
}

impl Part {
    fn open(path: PathBuf) -> Result<Self, DataError> {
        let file = File::open(&path).map_err(DataError::read(&path))?;
        let size = file.metadata().map_err(DataError::read(&path))?.len();
        let metadata = guarded(&path, || ParquetMetaDataReader::new().parse_and_finish(&file))?;
        let columns = Columns::of(&metadata).map_err(DataError::unsupported(&path))?;
        // Memory is reserved by the number of rows, which a damaged file may make up.
        let rows =
            metadata.row_groups().iter().map(|group| u128::from(group.num_rows().cast_unsigned()));
        if rows.sum::<u128>() > size.into() {
            let reason = "it claims to have more rows than bytes".to_owned();
            return Err(DataError::damaged(&path)(reason));
        }
        let metadata = Arc::new(metadata);
        let kept = (0..metadata.num_row_groups()).map(|_| OnceLock::new()).collect();
        let (labels, rows) = (Vec::new(), Vec::new());
        let mut part = Self { path, size, metadata, columns, labels, rows, kept };
        (part.labels, part.rows) =
            guarded(&part.path, || Ok((part.read_labels()?, part.find_rows()?)))?;
        if part.rows.last().is_some_and(|&last| last >= part.labels.len()) {
            let reason = "it has fewer labels than images".to_owned();
            return Err(DataError::damaged(&part.path)(reason));
        }
        Ok(part)
    }

    /// Returns the number of rows in a row group.
    fn rows_of(&self, group: usize) -> usize {
        usize::try_from(self.metadata.row_group(group).num_rows()).unwrap_or(0)
    }

    /// Returns the bytes of all images once decompressed.
    fn image_bytes(&self) -> i64 {
        let groups = self.metadata.row_groups().iter();
        groups.map(|group| group.column(self.columns.image).uncompressed_size()).sum()
    }

    /// Opens a column of a row group. Each reader has a file of its own, for a file has one place
    /// at which it is read.
    fn column<T: DataType>(
        &self,
        group: usize,
        leaf: usize,
    ) -> Result<ColumnReaderImpl<T>, ParquetError> {
        let file = File::open(&self.path).map_err(|error| ParquetError::External(error.into()))?;
        let chunk = self.metadata.row_group(group).column(leaf);
        let pages = SerializedPageReader::new(Arc::new(file), chunk, self.rows_of(group), None)?;
        let reader = get_column_reader(chunk.column_descr_ptr(), Box::new(pages));
        Ok(get_typed_column_reader(reader))
    }

    /// Returns the label of each row.
    fn read_labels(&self) -> Result<Vec<Option<String>>, ParquetError> {
        let mut labels = Vec::new();
        for group in 0..self.metadata.num_row_groups() {
            let Some(leaf) = self.columns.label else {
                labels.resize(labels.len() + self.rows_of(group), None);
                continue;
            };
            let number = |number: i64| (number >= 0).then(|| number.to_string());
            match self.metadata.row_group(group).column(leaf).column_type() {
                Type::INT32 => {
                    self.values::<Int32Type>(group, leaf, |it| number((*it).into()), &mut labels)?;
                }
                Type::INT64 => {
                    self.values::<Int64Type>(group, leaf, |it| number(*it), &mut labels)?;
                }
                Type::BOOLEAN => {
                    self.values::<BoolType>(group, leaf, |it| Some(it.to_string()), &mut labels)?;
                }
                _ => self.values::<ByteArrayType>(
                    group,
                    leaf,
                    |it| {
                        Some(String::from_utf8_lossy(it.data()).into_owned())
                            .filter(|it| !it.is_empty())
                    },
                    &mut labels,
                )?,
            }
        }
        Ok(labels)
    }

    /// Adds the label of each row of a column that is not repeated.
    fn values<T: DataType>(
        &self,
        group: usize,
        leaf: usize,
        label: impl Fn(&T::T) -> Option<String>,
        labels: &mut Vec<Option<String>>,
    ) -> Result<(), ParquetError> {
        let mut reader = self.column::<T>(group, leaf)?;
        let most = self.metadata.row_group(group).column(leaf).column_descr().max_def_level();
        loop {
            let (mut levels, mut values) = (Vec::new(), Vec::new());
            let (rows, ..) = reader.read_records(BATCH, Some(&mut levels), None, &mut values)?;
            if rows == 0 {
                return Ok(());
            }
            let mut values = values.iter();
            // Without levels, all rows have a value.
            levels.resize(rows, most);
            for level in levels {
                labels.push(if level == most { values.next().and_then(&label) } else { None });
            }
        }
    }

    /// Returns the rows that have an image.
    fn find_rows(&self) -> Result<Vec<usize>, ParquetError> {
        let (mut rows, mut first) = (Vec::new(), 0);
        for group in 0..self.metadata.num_row_groups() {
            let count = self.rows_of(group);
            let chunk = self.metadata.row_group(group).column(self.columns.image);
            let nulls = chunk.statistics().and_then(Statistics::null_count_opt);
            let most = chunk.column_descr().max_def_level();
            if nulls == Some(0) || most == 0 {
                rows.extend(first..first + count);
            } else {
                let mut reader = self.column::<ByteArrayType>(group, self.columns.image)?;
                let mut row = first;
                loop {
                    let (mut levels, mut values) = (Vec::new(), Vec::new());
                    reader.read_records(FEW, Some(&mut levels), None, &mut values)?;
                    if levels.is_empty() {
                        break;
                    }
                    for level in levels {
                        rows.extend((level == most).then_some(row));
                        row += 1;
                    }
                }
            }
            first += count;
        }
        Ok(rows)
    }

    fn bytes(&self, mut row: usize, keep: bool) -> Result<Cow<'_, [u8]>, DataError> {
        let mut group = 0;
        while group < self.metadata.num_row_groups() && row >= self.rows_of(group) {
            row -= self.rows_of(group);
            group += 1;
        }
        let missing = || DataError::damaged(&self.path)("a row has no image".to_owned());
        if !keep {
            let images = guarded(&self.path, || self.read_images(group, row, 1))?;
            let image = images.into_iter().next().flatten().ok_or_else(missing)?;
            return Ok(Cow::Owned(image.data().to_vec()));
        }
        let kept = self.kept.get(group).ok_or_else(missing)?;
        let images = if let Some(images) = kept.get() {
            images
        } else {
            let count = self.rows_of(group);
            let images = guarded(&self.path, || self.read_images(group, 0, count))?;
            kept.get_or_init(|| images)
        };
        let image = images.get(row).and_then(Option::as_ref).ok_or_else(missing)?;
        Ok(Cow::Borrowed(image.data()))
    }

    /// Reads `count` images of a row group, from its row `first` on.
    fn read_images(
        &self,
        group: usize,
        first: usize,
        count: usize,
    ) -> Result<Images, ParquetError> {
        let mut reader = self.column::<ByteArrayType>(group, self.columns.image)?;
        reader.skip_records(first)?;
        let chunk = self.metadata.row_group(group).column(self.columns.image);
        let most = chunk.column_descr().max_def_level();
        let (mut levels, mut values) = (Vec::new(), Vec::new());
        let (rows, ..) = reader.read_records(count, Some(&mut levels), None, &mut values)?;
        levels.resize(rows, most);
        let mut values = values.into_iter();
        let image = |level| if level == most { values.next() } else { None };
        Ok(levels.into_iter().map(image).collect())
    }
}

/// Runs what reads a file; its panics, which damaged files can cause, are errors.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, DataError> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(ParquetError::NYI(reason))) => Err(DataError::unsupported(path)(reason)),
        Ok(Err(error)) => {
            let reason = error.to_string();
            Err(if reason.contains("Disabled feature") || reason.contains("ncrypt") {
                DataError::unsupported(path)(format!(
                    "{reason}; write it with `compression=\"snappy\"` and without encryption"
                ))
            } else {
                DataError::damaged(path)(reason)
            })
        }
        Err(_) => Err(DataError::damaged(path)("its reader failed".to_owned())),
    }
}

impl ParquetImages {
    fn place(&self, index: usize) -> (&Part, usize) {
        let (part, row) = self.places[index];
        (&self.parts[part], row)
    }
}

impl Dataset for ParquetImages {
    fn len(&self) -> usize {
        self.places.len()
    }

    fn image(&self, index: usize) -> Result<DynamicImage, DataError> {
        let (part, row) = self.place(index);
        let named = |error| DataError::undecoded(self.name(index), &error);
        decode_image(&part.bytes(row, self.keep)?).map_err(named)
    }

    fn encoded(&self, index: usize) -> Result<Option<Cow<'_, [u8]>>, DataError> {
        let (part, row) = self.place(index);
        part.bytes(row, self.keep).map(Some)
    }

    fn label(&self, index: usize) -> Option<usize> {
        self.labels[index]
    }

    fn class_names(&self) -> &[String] {
        &self.classes
    }

    fn name(&self, index: usize) -> String {
        let (part, row) = self.place(index);
        format!("row {row} of {}", part.path.display())
    }

    fn stamp(&self, index: usize) -> Result<u64, DataError> {
        let (part, row) = self.place(index);
        let name = part.path.file_name().unwrap_or_default().as_encoded_bytes();
        Ok(stamp(&[name, &(row as u64).to_le_bytes(), &part.size.to_le_bytes()]))
    }
}

#[cfg(test)]
#[allow(clippy::cast_possible_truncation, reason = "small numbers")]
mod tests {
    use super::*;
    use crate::{labels, open};
    use image::RgbImage;
    use parquet::basic::Compression;
    use parquet::data_type::ByteArray;
    use parquet::file::metadata::KeyValue;
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;
    use std::fs;

    fn png(shade: u8) -> Vec<u8> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        let image = RgbImage::from_fn(40, 40, |x, y| image::Rgb([shade, (x * y) as u8, y as u8]));
        image.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        bytes.into_inner()
    }

    /// Writes images with labels, three to a row group and each in its page. An image of shade 255
    /// is a path alone.
    fn write(path: &Path, rows: &[(u8, Option<i64>)], names: &[&str]) {
        const SCHEMA: &str = "message schema {
            optional group image { optional binary bytes; optional binary path (UTF8); }
            optional int64 label;
            optional int64 coarse;
        }";
        let features = serde_json::json!({"label": {"names": names, "_type": "ClassLabel"}});
        let info = serde_json::json!({"info": {"features": features}}).to_string();
        let entry = KeyValue::new("huggingface".to_owned(), info);
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_data_page_row_count_limit(1)
            .set_write_batch_size(1)
            .set_key_value_metadata((!names.is_empty()).then(|| vec![entry]))
            .build();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let file = File::create(path).unwrap();
        let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
        let mut writer = SerializedFileWriter::new(file, schema, Arc::new(properties)).unwrap();
        for rows in rows.chunks(3) {
            let mut group = writer.next_row_group().unwrap();
            let level = |full: bool, most: i16| if full { most } else { most - 1 };
            let images: Vec<ByteArray> =
                rows.iter().filter(|it| it.0 < 255).map(|it| png(it.0).into()).collect();
            let full: Vec<i16> = rows.iter().map(|it| level(it.0 < 255, 2)).collect();
            let paths = vec![ByteArray::from("x.png"); rows.len()];
            for (values, levels) in [(images, full), (paths, vec![2; rows.len()])] {
                let mut column = group.next_column().unwrap().unwrap();
                column.typed::<ByteArrayType>().write_batch(&values, Some(&levels), None).unwrap();
                column.close().unwrap();
            }
            for _ in 0..2 {
                let values: Vec<i64> = rows.iter().filter_map(|it| it.1).collect();
                let levels: Vec<i16> = rows.iter().map(|it| level(it.1.is_some(), 1)).collect();
                let mut column = group.next_column().unwrap().unwrap();
                column.typed::<Int64Type>().write_batch(&values, Some(&levels), None).unwrap();
                column.close().unwrap();
            }
            group.close().unwrap();
        }
        writer.close().unwrap();
    }

    fn shades(dataset: &dyn Dataset) -> Vec<u8> {
        (0..dataset.len())
            .map(|index| dataset.image(index).unwrap().to_rgb8().get_pixel(0, 0).0[0])
            .collect()
    }

    #[test]
    fn files_of_splits_are_read_row_by_row_with_the_names_of_their_classes() {
        let root = tempfile::tempdir().unwrap();
        let first: Vec<_> = (0..8).map(|n| (n, Some(i64::from(n % 3)))).collect();
        let names = ["zebra", "ant", "zebra"];
        write(&root.path().join("data/train-00000-of-00002.parquet"), &first, &names);
        let second = [(20, Some(1)), (255, Some(1)), (21, None), (22, Some(-1))];
        write(&root.path().join("data/train-00001-of-00002.parquet"), &second, &names);
        write(
            &root.path().join("data/test-00000-of-00001.parquet"),
            &[(30, Some(1)), (31, Some(-1))],
            &names,
        );
        write(&root.path().join("data/validation-00000.parquet"), &[(40, Some(1))], &names);
        let splits = open(root.path()).unwrap();
        let train = &*splits.train;
        assert_eq!(shades(train), [0, 1, 2, 3, 4, 5, 6, 7, 20, 21, 22]);
        assert_eq!(train.class_names(), ["zebra (0)", "ant", "zebra (2)"]);
        assert_eq!(labels(train)[6..], [Some(0), Some(1), Some(1), None, None]);
        assert!(train.name(4).starts_with("row 4 of ") && train.name(4).contains("00000-of-00002"));
        assert_eq!(train.encoded(5).unwrap().unwrap(), png(5));
        let part = Part::open(root.path().join("data/train-00000-of-00002.parquet")).unwrap();
        for row in 0..8 {
            assert_eq!(part.bytes(row, false).unwrap(), part.bytes(row, true).unwrap());
        }
        assert_ne!(train.stamp(0).unwrap(), train.stamp(1).unwrap());
        assert_eq!(shades(&*splits.test.unwrap()), [30]);
        let said = splits.omitted.to_string();
        for part in [
            "columns that are not read: 1 (coarse)",
            "images that are paths to files elsewhere: 1",
            "images of a split that is neither trained nor tested with: 1",
            "test images without a label: 1",
        ] {
            assert!(said.contains(part), "{said}");
        }
    }

    #[test]
    fn a_single_file_is_a_data_set_and_numbers_are_classes() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("test-0.parquet");
        write(&path, &[(1, Some(10)), (2, Some(9)), (3, None)], &[]);
        for at in [&*path, root.path()] {
            let splits = open(at).unwrap();
            assert_eq!(splits.train.class_names(), ["9", "10"]);
            assert_eq!(labels(&*splits.train), [Some(1), Some(0), None]);
        }
        write(&path, &[(1, Some(5)), (2, Some(0))], &["a", "b"]);
        let error = open(&path).unwrap_err().to_string();
        assert!(error.contains("label is 5"), "{error}");
    }

    #[test]
    fn damaged_files_are_errors_that_name_them() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("x.parquet");
        write(&path, &[(1, Some(1)), (2, Some(0)), (3, None)], &["a", "b"]);
        let whole = fs::read(&path).unwrap();
        for at in (0..whole.len()).step_by(7) {
            let mut bytes = whole.clone();
            bytes[at] ^= 0x55;
            fs::write(&path, &bytes).unwrap();
            if let Ok(splits) = open(&path) {
                for index in 0..splits.train.len() {
                    let _ = splits.train.image(index);
                }
                let part = Part::open(path.clone()).unwrap();
                for row in 0..part.rows.len() {
                    let _ = part.bytes(row, false);
                }
            }
        }
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(open(&path).unwrap_err().to_string().contains("x.parquet"));
    }
}
