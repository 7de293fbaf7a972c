//! NumPy's file of one array.

use std::io::{self, Write};

use selfsame_metrics::Features;

use super::little_endian::little_endian;

/// Writes the rows as an array of `[rows, dim]`.
///
/// The format is [NEP 1](https://numpy.org/neps/nep-0001-npy-format.html), version 1.0.
pub(super) fn write(features: &Features, out: &mut impl Write) -> io::Result<()> {
    let shape = (features.rows(), features.dim());
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape:?}, }}");
    // Magic, version, length and header fill a multiple of 64 bytes, and end with a line break.
    let start = 10;
    let length = (start + header.len() + 1).next_multiple_of(64) - start;
    #[allow(clippy::cast_possible_truncation, reason = "a header is about a hundred bytes")]
    let prefix = (length as u16).to_le_bytes();
    out.write_all(b"\x93NUMPY\x01\x00")?;
    out.write_all(&prefix)?;
    writeln!(out, "{header:width$}", width = length - 1)?;
    out.write_all(&little_endian(features.as_slice()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_fills_64_bytes_and_the_values_follow() {
        let mut bytes = Vec::new();
        write(&Features::new(3, vec![1.0; 6]).unwrap(), &mut bytes).unwrap();
        assert_eq!(bytes.len(), 128 + 6 * 4);
        assert_eq!(bytes[..10], *b"\x93NUMPY\x01\x00\x76\x00");
        let text = std::str::from_utf8(&bytes[10..128]).unwrap();
        let want = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
        assert_eq!((text.trim_end(), text.ends_with('\n')), (want, true));
        assert_eq!(bytes[128..132], 1.0_f32.to_le_bytes());
    }
}
