//! Event files of TensorBoard: records with checksums, each of which holds a protobuf message.
//!
//! ```text
//! record  = length of data, crc of the length, data, crc of data     u64, u32, bytes, u32
//! data    = Event { 1: wall_time, 2: step, 3: file_version or 5: Summary }
//! Summary = { 1: Value { 1: tag, 2: simple_value }, 1: Value { … }, … }
//! ```
//! Integers are little-endian, and `crc` is a masked CRC-32C.
//!
//! # Source
//! `TFRecord`, `event.proto` and `summary.proto` of TensorFlow.

use std::io;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use selfsame_files::write_atomically;

use crate::append_file::{AppendFile, read_log};

/// The version of the format, which the first record of a file states.
const VERSION: &[u8] = b"brain.Event:2";

// How protobuf encodes a field.
const VARINT: u64 = 0;
const FIXED_64: u64 = 1;
const BYTES: u64 = 2;
const FIXED_32: u64 = 5;

/// A file of events, to which a run appends.
#[derive(Debug)]
pub(crate) struct EventFile {
    file: AppendFile,
}

impl EventFile {
    /// Opens the file at `path`, whose folder must exist, and creates it if it is missing.
    ///
    /// Of the events in the file, those up to `last_step` stay. What is damaged, such as the end of
    /// a file whose writer was killed, and what is later is dropped before anything is appended; a
    /// reader sees the file as it was or as it is then, never a part. A file that loses nothing is
    /// not replaced, so a reader that holds it open sees what is appended.
    pub(crate) fn open(path: &Path, last_step: u64) -> io::Result<Self> {
        let old = read_log(path)?;
        let mut kept = Vec::with_capacity(old.len());
        for event in Records(&old) {
            if step_of(event).is_some_and(|step| step <= last_step) {
                push_record(&mut kept, event);
            }
        }
        if !Records(&kept).next().is_some_and(states_version) {
            let mut version = Vec::new();
            push_record(&mut version, &version_event(now()));
            kept.splice(..0, version);
        }
        if kept != old {
            write_atomically(path, &kept)?;
        }
        Ok(Self { file: AppendFile::open(path, kept.len())? })
    }

    /// Appends one event, in one write, with the value of every tag at `step`.
    ///
    /// Values are stored with single precision; NaN and infinities are stored as such.
    pub(crate) fn append(&mut self, step: u64, scalars: &[(String, f64)]) -> io::Result<()> {
        let mut record = Vec::new();
        push_record(&mut record, &scalar_event(now(), step, scalars));
        self.file.append(&record)
    }
}

/// Returns the seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

fn version_event(wall_time: f64) -> Vec<u8> {
    let mut event = event_at(wall_time, 0);
    push_bytes(&mut event, 3, VERSION);
    event
}

fn scalar_event(wall_time: f64, step: u64, scalars: &[(String, f64)]) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, scalar) in scalars {
        let mut value = Vec::new();
        push_bytes(&mut value, 1, tag.as_bytes());
        push_key(&mut value, 2, FIXED_32);
        #[allow(clippy::cast_possible_truncation, reason = "the format has single precision")]
        value.extend((*scalar as f32).to_le_bytes());
        push_bytes(&mut summary, 1, &value);
    }
    let mut event = event_at(wall_time, step);
    push_bytes(&mut event, 5, &summary);
    event
}

fn event_at(wall_time: f64, step: u64) -> Vec<u8> {
    let mut event = Vec::new();
    push_key(&mut event, 1, FIXED_64);
    event.extend(wall_time.to_le_bytes());
    push_key(&mut event, 2, VARINT);
    push_varint(&mut event, step);
    event
}

fn push_bytes(message: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    push_key(message, field, BYTES);
    push_varint(message, bytes.len() as u64);
    message.extend(bytes);
}

fn push_key(message: &mut Vec<u8>, field: u64, encoding: u64) {
    push_varint(message, field << 3 | encoding);
}

/// Appends `value` in groups of seven bits, lowest first; all but the last have the top bit set.
fn push_varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    message.push(value.to_le_bytes()[0]);
}

fn push_record(file: &mut Vec<u8>, data: &[u8]) {
    let length = (data.len() as u64).to_le_bytes();
    file.extend(length);
    file.extend(masked_crc(&length));
    file.extend(data);
    file.extend(masked_crc(data));
}

/// Returns the checksum of `bytes`, masked because that of bytes which hold a checksum is weak.
fn masked_crc(bytes: &[u8]) -> [u8; 4] {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// The data of the intact records of a file.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        loop {
            let (length, rest) = self.0.split_first_chunk()?;
            let (crc, rest) = rest.split_first_chunk()?;
            if *crc != masked_crc(length) {
                return None; // where the next record starts is unknown
            }
            let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
            let (data, rest) = rest.split_at_checked(length)?;
            let (crc, rest) = rest.split_first_chunk()?;
            self.0 = rest;
            if *crc == masked_crc(data) {
                return Some(data);
            }
        }
    }
}

/// Returns the step of an event, or `None` if it is not a protobuf message.
fn step_of(mut event: &[u8]) -> Option<u64> {
    let mut step = 0; // the default, which a writer may leave out
    while !event.is_empty() {
        if let (2, Value::Integer(value)) = read_field(&mut event)? {
            step = value;
        }
    }
    Some(step)
}

fn states_version(mut event: &[u8]) -> bool {
    while let Some(field) = read_field(&mut event) {
        if matches!(field, (3, Value::Bytes(VERSION))) {
            return true;
        }
    }
    false
}

enum Value<'a> {
    Integer(u64),
    Bytes(&'a [u8]),
}

/// Takes the next field off a message: its number and its value.
fn read_field<'a>(message: &mut &'a [u8]) -> Option<(u64, Value<'a>)> {
    let key = read_varint(message)?;
    let length = match key & 7 {
        VARINT => return Some((key >> 3, Value::Integer(read_varint(message)?))),
        FIXED_64 => 8,
        BYTES => usize::try_from(read_varint(message)?).ok()?,
        FIXED_32 => 4,
        _ => return None,
    };
    Some((key >> 3, Value::Bytes(message.split_off(..length)?)))
}

fn read_varint(message: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = *message.split_off_first()?;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::fs::{self, File};

    /// Returns the points `(step, tag, value)` of a file, in order.
    pub(crate) fn points(path: &Path) -> Vec<(u64, String, f32)> {
        let bytes = fs::read(path).unwrap();
        let mut points = Vec::new();
        for mut event in Records(&bytes) {
            let step = step_of(event).unwrap();
            for mut summary in bytes_of(&mut event, 5) {
                for mut value in bytes_of(&mut summary, 1) {
                    let (mut again, tag) = (value, bytes_of(&mut value, 1).remove(0));
                    let scalar = bytes_of(&mut again, 2)[0].try_into().unwrap();
                    let tag = String::from_utf8(tag.to_vec()).unwrap();
                    points.push((step, tag, f32::from_le_bytes(scalar)));
                }
            }
        }
        points
    }

    fn bytes_of<'a>(message: &mut &'a [u8], field: u64) -> Vec<&'a [u8]> {
        let mut found = Vec::new();
        while let Some((number, value)) = read_field(message) {
            match value {
                Value::Bytes(bytes) if number == field => found.push(bytes),
                _ => {}
            }
        }
        found
    }

    fn steps(path: &Path) -> Vec<u64> {
        points(path).into_iter().map(|point| point.0).collect()
    }

    fn append(file: &mut EventFile, step: u64) {
        file.append(step, &[("loss".to_owned(), 1.0 / step as f64)]).unwrap();
    }

    /// A file with steps 1 to 4, and where its records start.
    fn four_steps(path: &Path) -> Vec<usize> {
        let mut starts = Vec::new();
        let mut file = EventFile::open(path, 0).unwrap();
        for step in 1..=4 {
            starts.push(fs::read(path).unwrap().len());
            append(&mut file, step);
        }
        starts
    }

    #[test]
    fn a_record_has_the_bytes_that_tensorboard_writes() {
        // tensorboard 2.21.0: `RecordWriter.write(Event(wall_time=1.5, step=300,
        // summary=Summary(value=[Value(tag="a/b", simple_value=0.25), Value(tag="c", ...)])))`
        let want = b"$\0\0\0\0\0\0\0B+\x80M\
            \t\0\0\0\0\0\0\xf8?\x10\xac\x02*\x16\
            \n\n\n\x03a/b\x15\0\0\x80>\
            \n\x08\n\x01c\x15\0\0\x80\xbf\
            \x13\x9d\xba\xdb";
        let scalars = [("a/b".to_owned(), 0.25), ("c".to_owned(), -1.0)];
        let mut record = Vec::new();
        push_record(&mut record, &scalar_event(1.5, 300, &scalars));
        assert_eq!(record, want);
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let mut file = EventFile::open(&path, 0).unwrap();
        file.append(1, &[("a".to_owned(), 0.5), ("b".to_owned(), -2.0)]).unwrap();
        file.append(1 << 40, &[("a".to_owned(), 0.25)]).unwrap();
        let want = [(1, "a", 0.5), (1, "b", -2.0), (1 << 40, "a", 0.25)];
        assert_eq!(points(&path), want.map(|(step, tag, value)| (step, tag.to_owned(), value)));
    }

    #[test]
    fn the_first_record_states_the_version() {
        assert!(states_version(&version_event(1.5)));
        assert!(!states_version(&scalar_event(1.5, 0, &[("brain.Event:2".to_owned(), 0.0)])));
    }

    #[test]
    fn values_that_are_not_finite_are_written_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let values = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300];
        let scalars = values.map(|value| ("a".to_owned(), value));
        EventFile::open(&path, 0).unwrap().append(1, &scalars).unwrap();
        let read: Vec<f32> = points(&path).into_iter().map(|point| point.2).collect();
        assert!(read[0].is_nan());
        assert_eq!(read[1..], [f32::INFINITY, f32::NEG_INFINITY, f32::INFINITY]);
    }

    #[test]
    fn steps_after_the_last_one_are_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        four_steps(&path);
        let mut file = EventFile::open(&path, 2).unwrap();
        append(&mut file, 3);
        assert_eq!(steps(&path), [1, 2, 3]);
        EventFile::open(&path, 0).unwrap();
        assert_eq!(steps(&path), [0; 0]);
    }

    #[test]
    fn a_torn_end_is_dropped_wherever_it_is_torn() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let starts = four_steps(&path);
        let whole = fs::read(&path).unwrap();
        for end in 0..whole.len() {
            fs::write(&path, &whole[..end]).unwrap();
            append(&mut EventFile::open(&path, 4).unwrap(), 9);
            let written = starts[1..].iter().filter(|start| **start <= end).count() as u64;
            let want: Vec<u64> = (1..=written).chain([9]).collect();
            assert_eq!(steps(&path), want, "torn at byte {end}");
        }
    }

    #[test]
    fn a_damaged_byte_costs_at_most_the_records_from_there_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        let starts = four_steps(&path);
        let whole = fs::read(&path).unwrap();
        for byte in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[byte] ^= 1;
            fs::write(&path, &damaged).unwrap();
            append(&mut EventFile::open(&path, 4).unwrap(), 9);
            let start = starts.iter().rposition(|start| *start <= byte);
            let record = start.map_or(0, |step| step as u64 + 1); // 0 is the version's
            let framed = byte - start.map_or(0, |step| starts[step]) >= 12;
            let survives = |step: &u64| *step < record || framed && *step > record;
            let want: Vec<u64> = (1..=4).filter(survives).chain([9]).collect();
            assert_eq!(steps(&path), want, "byte {byte}");
            assert!(Records(&fs::read(&path).unwrap()).next().is_some_and(states_version));
        }
    }

    #[test]
    fn a_file_that_loses_nothing_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        four_steps(&path);
        let mut reader = File::open(&path).unwrap();
        io::copy(&mut reader, &mut io::sink()).unwrap();
        append(&mut EventFile::open(&path, 4).unwrap(), 5);
        assert!(io::copy(&mut reader, &mut io::sink()).unwrap() > 0);
    }

    #[test]
    fn a_file_of_another_kind_is_replaced_and_a_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("events");
        fs::write(&path, vec![0; 100]).unwrap();
        append(&mut EventFile::open(&path, 4).unwrap(), 5);
        assert_eq!(steps(&path), [5]);
        assert!(EventFile::open(folder.path(), 4).is_err());
    }
}
