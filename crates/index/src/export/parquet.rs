//! One Parquet table.

use std::io::{self, Write};
use std::sync::Arc;

use parquet::basic::{Compression, LogicalType, Repetition, Type as Physical};
use parquet::data_type::{ByteArray, ByteArrayType, DataType, FloatType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::types::{ColumnPath, Type, TypePtr};
use serde_json::{Value, json};

use super::EmbeddingTable;

/// Rows of a row group, which a reader holds in memory at once.
const ROWS: usize = 10_000;
/// The same with images.
const ROWS_WITH_IMAGES: usize = 100;

/// Writes the table, without compression, which floats do not gain from.
pub(super) fn write(table: &EmbeddingTable<'_>, out: impl Write + Send) -> io::Result<()> {
    write_parquet(table, out).map_err(io::Error::other)
}

fn write_parquet(table: &EmbeddingTable<'_>, out: impl Write + Send) -> Result<(), ParquetError> {
    let features = json!({ "info": { "features": hugging_face(table) } }).to_string();
    let mut properties = WriterProperties::builder()
        .set_compression(Compression::UNCOMPRESSED)
        .set_key_value_metadata(Some(vec![KeyValue::new("huggingface".to_owned(), features)]));
    for path in [&["embedding", "list", "element"][..], &["image", "bytes"]] {
        let path = ColumnPath::new(path.iter().map(|&part| part.to_owned()).collect());
        properties = properties.set_column_dictionary_enabled(path, false);
    }
    let schema = Arc::new(schema(table)?);
    let mut file = SerializedFileWriter::new(out, schema, Arc::new(properties.build()))?;
    let rows = if table.images.is_some() { ROWS_WITH_IMAGES } else { ROWS };
    for start in (0..table.items.len()).step_by(rows) {
        let mut group = file.next_row_group()?;
        write_rows(table, start..(start + rows).min(table.items.len()), &mut group)?;
        group.close()?;
    }
    file.close()?;
    Ok(())
}

fn schema(table: &EmbeddingTable<'_>) -> Result<Type, ParquetError> {
    let (optional, required) = (Repetition::OPTIONAL, Repetition::REQUIRED);
    let mut fields = vec![
        text("file", optional)?,
        leaf("label", Physical::INT64, optional)?,
        text("class", optional)?,
    ];
    if table.images.is_some() {
        // Always there, but optional: else Hugging Face's datasets takes it for a mere structure.
        let bytes = leaf("bytes", Physical::BYTE_ARRAY, optional)?;
        fields.push(group("image", vec![bytes, text("path", optional)?], optional)?);
    }
    fields.push(list("embedding", Physical::FLOAT)?);
    if table.positions.is_some() {
        fields.push(leaf("x", Physical::FLOAT, required)?);
        fields.push(leaf("y", Physical::FLOAT, required)?);
    }
    if table.neighbors.is_some() {
        let lists = vec![list("ids", Physical::INT64)?, list("distances", Physical::FLOAT)?];
        fields.push(group("neighbors", lists, required)?);
    }
    if table.has_metadata() {
        fields.push(text("metadata", optional)?);
    }
    Type::group_type_builder("schema").with_fields(fields).build()
}

fn leaf(name: &str, kind: Physical, repetition: Repetition) -> Result<TypePtr, ParquetError> {
    Ok(Arc::new(Type::primitive_type_builder(name, kind).with_repetition(repetition).build()?))
}

fn text(name: &str, repetition: Repetition) -> Result<TypePtr, ParquetError> {
    let builder = Type::primitive_type_builder(name, Physical::BYTE_ARRAY);
    let builder = builder.with_repetition(repetition).with_logical_type(Some(LogicalType::String));
    Ok(Arc::new(builder.build()?))
}

fn group(
    name: &str,
    fields: Vec<TypePtr>,
    repetition: Repetition,
) -> Result<TypePtr, ParquetError> {
    let builder = Type::group_type_builder(name).with_fields(fields);
    Ok(Arc::new(builder.with_repetition(repetition).build()?))
}

/// Returns a list that always exists, of elements that always exist.
fn list(name: &str, kind: Physical) -> Result<TypePtr, ParquetError> {
    let element = leaf("element", kind, Repetition::REQUIRED)?;
    let repeated = Type::group_type_builder("list").with_fields(vec![element]);
    let repeated = Arc::new(repeated.with_repetition(Repetition::REPEATED).build()?);
    let outer = Type::group_type_builder(name).with_fields(vec![repeated]);
    let outer = outer.with_logical_type(Some(LogicalType::List));
    Ok(Arc::new(outer.with_repetition(Repetition::REQUIRED).build()?))
}

/// Returns the columns as Hugging Face's datasets names their types.
fn hugging_face(table: &EmbeddingTable<'_>) -> Value {
    let value = |kind: &str| json!({ "dtype": kind, "_type": "Value" });
    let sequence = |kind: &str| json!({ "feature": value(kind), "_type": "Sequence" });
    let mut features = json!({
        "file": value("string"),
        "label": value("int64"),
        "class": value("string"),
        "embedding": sequence("float32"),
    });
    if !table.classes.is_empty() {
        features["label"] = json!({ "names": table.classes, "_type": "ClassLabel" });
    }
    if table.images.is_some() {
        features["image"] = json!({ "_type": "Image" });
    }
    if table.positions.is_some() {
        features["x"] = value("float32");
        features["y"] = value("float32");
    }
    if table.neighbors.is_some() {
        features["neighbors"] =
            json!({ "ids": sequence("int64"), "distances": sequence("float32") });
    }
    if table.has_metadata() {
        features["metadata"] = value("string");
    }
    features
}

/// Writes the columns of a row group in the order of the schema.
fn write_rows<W: Write + Send>(
    table: &EmbeddingTable<'_>,
    rows: std::ops::Range<usize>,
    group: &mut SerializedRowGroupWriter<'_, W>,
) -> Result<(), ParquetError> {
    let items = &table.items[rows.clone()];
    let names = items.iter().map(|item| item.name.as_deref().map(ByteArray::from));
    write_optional::<ByteArrayType, W>(group, names, 0)?;
    #[allow(clippy::cast_possible_wrap, reason = "labels are small")]
    let labels = items.iter().map(|item| item.label.map(|label| label as i64));
    write_optional::<Int64Type, W>(group, labels, 0)?;
    let classes = rows.clone().map(|row| table.class(row).map(ByteArray::from));
    write_optional::<ByteArrayType, W>(group, classes, 0)?;
    if let Some(images) = table.images {
        let images = images[rows.clone()].iter().map(|image| Some(ByteArray::from(image.clone())));
        write_optional::<ByteArrayType, W>(group, images, 1)?;
        let paths = items.iter().map(|item| item.name.as_deref().map(ByteArray::from));
        write_optional::<ByteArrayType, W>(group, paths, 1)?;
    }
    write_lists::<FloatType, W>(group, rows.clone().map(|row| table.features.row(row).to_vec()))?;
    if let Some(positions) = table.positions {
        for axis in 0..2 {
            let values: Vec<f32> =
                positions[rows.clone()].iter().map(|place| place[axis]).collect();
            write_column::<FloatType, W>(group, &values, None, None)?;
        }
    }
    if let Some(neighbors) = table.neighbors {
        let lists = &neighbors[rows.clone()];
        #[allow(clippy::cast_possible_wrap, reason = "a position in a list")]
        let id = |hit: &crate::Hit| hit.position as i64;
        let ids = lists.iter().map(|hits| hits.iter().map(id).collect());
        write_lists::<Int64Type, W>(group, ids)?;
        let distances = lists.iter().map(|hits| hits.iter().map(|hit| hit.distance).collect());
        write_lists::<FloatType, W>(group, distances)?;
    }
    if table.has_metadata() {
        let metadata: io::Result<Vec<Option<String>>> =
            rows.map(|row| table.metadata(row)).collect();
        let metadata = metadata.map_err(|error| ParquetError::External(Box::new(error)))?;
        let metadata = metadata.iter().map(|text| text.as_deref().map(ByteArray::from));
        write_optional::<ByteArrayType, W>(group, metadata, 0)?;
    }
    Ok(())
}

/// Writes a column of values that may be missing, in groups that could be missing `depth` times.
fn write_optional<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: impl Iterator<Item = Option<T::T>>,
    depth: i16,
) -> Result<(), ParquetError> {
    let values: Vec<Option<T::T>> = values.collect();
    let defined: Vec<i16> = values.iter().map(|value| depth + i16::from(value.is_some())).collect();
    let values: Vec<T::T> = values.into_iter().flatten().collect();
    write_column::<T, W>(group, &values, Some(&defined), None)
}

/// Writes a column of lists, which may be empty.
fn write_lists<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    lists: impl Iterator<Item = Vec<T::T>>,
) -> Result<(), ParquetError> {
    let (mut values, mut defined, mut repeated) = (Vec::new(), Vec::new(), Vec::new());
    for list in lists {
        if list.is_empty() {
            defined.push(0);
            repeated.push(0);
        }
        for (place, value) in list.into_iter().enumerate() {
            values.push(value);
            defined.push(1);
            repeated.push(i16::from(place > 0));
        }
    }
    write_column::<T, W>(group, &values, Some(&defined), Some(&repeated))
}

fn write_column<T: DataType, W: Write + Send>(
    group: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    defined: Option<&[i16]>,
    repeated: Option<&[i16]>,
) -> Result<(), ParquetError> {
    let missing = || ParquetError::General("the schema has fewer columns".to_owned());
    let mut column = group.next_column()?.ok_or_else(missing)?;
    column.typed::<T>().write_batch(values, defined, repeated)?;
    column.close()
}
