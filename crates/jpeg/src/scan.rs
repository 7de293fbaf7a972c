//! Decoding of the entropy coded data to blocks of coefficients.

use pulp::NullaryFnOnce;
#[cfg(target_arch = "x86_64")]
use pulp::x86::V3;

use crate::header::Component;
use crate::huffman::{Bits, Block};

/// Zero bytes after the data, so that bits can be read in advance.
const PADDING: usize = 16;

/// Returns the data of a scan without stuffed bytes and without markers, followed by [`PADDING`],
/// and the positions where it restarts, the last of which is its end.
pub(crate) fn unstuff(mut data: &[u8]) -> Option<(Vec<u8>, Vec<usize>)> {
    let mut bytes = Vec::with_capacity(data.len() + PADDING);
    let mut starts = vec![0];
    loop {
        let (code, rest) = data.split_at(memchr::memchr(0xFF, data)?);
        bytes.extend_from_slice(code);
        data = match rest {
            [_, 0, rest @ ..] => {
                bytes.push(0xFF);
                rest
            }
            [_, 0xD0..=0xD7, rest @ ..] => {
                starts.push(bytes.len());
                rest
            }
            [_, 0xFF, ..] => &rest[1..],
            [_, _, ..] => break,
            _ => return None,
        };
    }
    starts.push(bytes.len());
    bytes.extend_from_slice(&[0; PADDING]);
    Some((bytes, starts))
}

/// A scan that is read row by row.
pub(crate) struct Scan<'a> {
    bytes: &'a [u8],
    /// The restarts to come, and the end.
    starts: &'a [usize],
    /// Units from one restart to the next.
    interval: usize,
    /// Units until the next restart.
    left: usize,
    bits: Bits<'a>,
    /// The DC coefficient of each component's last block.
    predictors: [i16; 3],
}

impl<'a> Scan<'a> {
    pub(crate) fn new(bytes: &'a [u8], starts: &'a [usize], interval: Option<usize>) -> Self {
        let interval = interval.unwrap_or(usize::MAX);
        Self { bytes, starts, interval, left: 0, bits: Bits::new(bytes), predictors: [0; 3] }
    }

    fn restart(&mut self) -> Option<Bits<'a>> {
        let [start, starts @ ..] = self.starts else { return None };
        let bytes = &self.bytes[*start..starts.first()? + PADDING];
        (self.starts, self.left, self.predictors) = (starts, self.interval, [0; 3]);
        Some(Bits::new(bytes))
    }

    /// Reads a row of units; `blocks` of each component are stored row by row.
    pub(crate) fn read_row(
        &mut self,
        components: &[Component],
        across: usize,
        blocks: &mut [Vec<Block>],
    ) -> Option<()> {
        let row = ReadRow { scan: self, components, across, blocks };
        #[cfg(target_arch = "x86_64")]
        if let Some(v3) = V3::try_new() {
            return v3.vectorize(row);
        }
        row.call()
    }
}

/// [`Scan::read_row`], compiled for the processor's bit instructions where it has them.
struct ReadRow<'a, 'b> {
    scan: &'a mut Scan<'b>,
    components: &'a [Component],
    across: usize,
    blocks: &'a mut [Vec<Block>],
}

impl NullaryFnOnce for ReadRow<'_, '_> {
    type Output = Option<()>;

    #[inline(always)]
    fn call(self) -> Option<()> {
        let Self { scan, components, across, blocks } = self;
        let mut bits = scan.bits.clone();
        for unit in 0..across {
            if scan.left == 0 {
                bits = scan.restart()?;
            }
            scan.left -= 1;
            let components = components.iter().zip(&mut *blocks).zip(&mut scan.predictors);
            for ((component, blocks), predictor) in components {
                let [down, side] = component.blocks;
                for row in 0..down {
                    for block in &mut blocks[(row * across + unit) * side..][..side] {
                        bits.read(&component.dc, &component.ac, predictor, block);
                    }
                }
            }
            if bits.left() < PADDING {
                return None;
            }
        }
        scan.bits = bits;
        Some(())
    }
}
