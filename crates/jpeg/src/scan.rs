//! From the bytes behind the head to blocks.

use pulp::NullaryFnOnce;
#[cfg(target_arch = "x86_64")]
use pulp::x86::V3;

use super::header::Component;
use super::huffman::{Bits, Block};

/// Zeros behind the code, so that bits can be read in advance.
const BEYOND: usize = 16;

/// The code without the zeros that tell it from markers and without its markers, and some bytes beyond it.
/// And the places where it starts anew, with its end.
pub(super) fn unstuffed(mut data: &[u8]) -> Option<(Vec<u8>, Vec<usize>)> {
    let mut bytes = Vec::with_capacity(data.len() + BEYOND);
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
    bytes.extend_from_slice(&[0; BEYOND]);
    Some((bytes, starts))
}

/// How far the code was read.
pub(super) struct Code<'a> {
    bytes: &'a [u8],
    /// Where it starts anew, and its end.
    starts: &'a [usize],
    /// Units from one start to the next, and until the next.
    interval: usize,
    left: usize,
    bits: Bits<'a>,
    /// The first coefficient of each component's last block.
    before: [i16; 3],
}

impl<'a> Code<'a> {
    pub(super) fn new(bytes: &'a [u8], starts: &'a [usize], interval: Option<usize>) -> Self {
        let interval = interval.unwrap_or(usize::MAX);
        Self { bytes, starts, interval, left: 0, bits: Bits::new(bytes), before: [0; 3] }
    }

    fn start_anew(&mut self) -> Option<Bits<'a>> {
        let [start, starts @ ..] = self.starts else { return None };
        let bytes = &self.bytes[*start..starts.first()? + BEYOND];
        (self.starts, self.left, self.before) = (starts, self.interval, [0; 3]);
        Some(Bits::new(bytes))
    }

    /// Reads a row of units; `blocks` of each component lie row by row.
    pub(super) fn read_row(
        &mut self,
        components: &[Component],
        across: usize,
        blocks: &mut [Vec<Block>],
    ) -> Option<()> {
        let row = ReadRow { code: self, components, across, blocks };
        #[cfg(target_arch = "x86_64")]
        if let Some(v3) = V3::try_new() {
            return v3.vectorize(row);
        }
        row.call()
    }
}

/// [`Code::read_row`], with instructions for bits where there are some.
struct ReadRow<'a, 'b> {
    code: &'a mut Code<'b>,
    components: &'a [Component],
    across: usize,
    blocks: &'a mut [Vec<Block>],
}

impl NullaryFnOnce for ReadRow<'_, '_> {
    type Output = Option<()>;

    #[inline(always)]
    fn call(self) -> Option<()> {
        let Self { code, components, across, blocks } = self;
        let mut bits = code.bits.clone();
        for unit in 0..across {
            if code.left == 0 {
                bits = code.start_anew()?;
            }
            code.left -= 1;
            let components = components.iter().zip(&mut *blocks).zip(&mut code.before);
            for ((component, blocks), before) in components {
                let [down, side] = component.blocks;
                for row in 0..down {
                    for block in &mut blocks[(row * across + unit) * side..][..side] {
                        bits.read(&component.dc, &component.ac, before, block);
                    }
                }
            }
            if bits.left() < BEYOND {
                return None;
            }
        }
        code.bits = bits;
        Some(())
    }
}
