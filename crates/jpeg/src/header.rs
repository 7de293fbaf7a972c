//! The tables and the frame that precede the image's data.

use std::rc::Rc;

use crate::huffman::{HuffmanTable, Kind, ZIGZAG};
use crate::marker::{BASELINE_FRAME, EXTENDED_FRAME, SCAN, read_u16, segments};

/// The header of a JPEG that [`decode`](crate::decode) can read.
#[derive(Debug)]
pub(crate) struct Header<'a> {
    /// `[height, width]`.
    pub(crate) size: [usize; 2],
    /// Luma, or luma and both chromas.
    pub(crate) components: Vec<Component>,
    /// Minimum coded units between two restarts.
    pub(crate) restart_interval: Option<usize>,
    /// All bytes after the header.
    pub(crate) data: &'a [u8],
}

/// One of the coded planes of the image.
#[derive(Debug)]
pub(crate) struct Component {
    /// Blocks of a minimum coded unit, `[down, across]`.
    pub(crate) blocks: [usize; 2],
    /// Quantization steps, column after column.
    pub(crate) quantization: [u16; 64],
    pub(crate) dc: Rc<HuffmanTable>,
    pub(crate) ac: Rc<HuffmanTable>,
}

/// The content of a frame's segment.
pub(crate) struct Frame {
    /// `[height, width]`.
    pub(crate) size: [u16; 2],
    pub(crate) components: Vec<FrameComponent>,
}

/// A component as the frame describes it, without its tables.
pub(crate) struct FrameComponent {
    id: u8,
    blocks: [usize; 2],
    /// Number of its quantization table.
    quantization: u8,
}

/// The tables read so far, by number.
#[derive(Default)]
struct Tables {
    quantization: [Option<[u16; 64]>; 4],
    dc: [Option<Rc<HuffmanTable>>; 4],
    ac: [Option<Rc<HuffmanTable>>; 4],
}

impl<'a> Header<'a> {
    /// Number of minimum coded units, `[down, across]`.
    pub(crate) fn units(&self) -> [usize; 2] {
        [0, 1].map(|side| self.size[side].div_ceil(8 * self.components[0].blocks[side]))
    }

    /// Returns `None` unless the image has 8 bits in one sequential, Huffman coded scan, and is
    /// gray or of luma and chroma.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (mut tables, mut frame, mut restart_interval) = (Tables::default(), None, None);
        for (marker, segment, data) in segments(bytes)? {
            match marker {
                BASELINE_FRAME | EXTENDED_FRAME => frame = Some(Frame::read(segment)?),
                0xC4 => tables.read_huffman(segment)?,
                0xDB => tables.read_quantization(segment)?,
                0xC2..=0xCF => return None,
                0xDD => {
                    restart_interval = Some(read_u16(segment)?.into()).filter(|units| *units > 0);
                }
                // Red, green and blue.
                0xEE if segment.starts_with(b"Adobe") && segment.get(11) == Some(&0) => {
                    return None;
                }
                SCAN => {
                    let Frame { size, components } = frame?;
                    let components = tables.complete(&components, segment)?;
                    let size = size.map(usize::from);
                    return Some(Self { size, components, restart_interval, data });
                }
                _ => {}
            }
        }
        None
    }
}

impl Frame {
    pub(crate) fn read(segment: &[u8]) -> Option<Self> {
        let [8, rest @ ..] = segment else { return None };
        let size = [read_u16(rest)?, read_u16(rest.get(2..)?)?];
        let (triples, []) = rest.get(5..)?.as_chunks::<3>() else { return None };
        if size.contains(&0) || triples.len() != usize::from(rest[4]) {
            return None;
        }
        let component = |&[id, blocks, quantization]: &[u8; 3]| FrameComponent {
            id,
            blocks: [blocks & 15, blocks >> 4].map(usize::from),
            quantization,
        };
        let mut components: Vec<_> = triples.iter().map(component).collect();
        match &mut components[..] {
            // The blocks of a single component come row by row, whatever sampling it states.
            [luma] => luma.blocks = [1, 1],
            [luma, blue, red] => {
                let known = luma.blocks.iter().all(|blocks| matches!(blocks, 1 | 2));
                let rgb = [luma.id, blue.id, red.id] == *b"RGB";
                if !known || [blue.blocks, red.blocks] != [[1, 1]; 2] || rgb {
                    return None;
                }
            }
            _ => return None,
        }
        Some(Self { size, components })
    }
}

impl Tables {
    fn read_huffman(&mut self, mut rest: &[u8]) -> Option<()> {
        while let [head, tail @ ..] = rest {
            let (counts, tail) = tail.split_first_chunk()?;
            let length = counts.iter().map(|count| usize::from(*count)).sum();
            let (symbols, tail) = tail.split_at_checked(length)?;
            let (kind, tables) = match head >> 4 {
                0 => (Kind::Dc, &mut self.dc),
                _ => (Kind::Ac, &mut self.ac),
            };
            let table = HuffmanTable::new(kind, counts, symbols)?;
            *tables.get_mut(usize::from(head & 15))? = Some(Rc::new(table));
            rest = tail;
        }
        Some(())
    }

    fn read_quantization(&mut self, mut rest: &[u8]) -> Option<()> {
        while let [head, tail @ ..] = rest {
            let mut table = [0; 64];
            let bytes = if head >> 4 == 0 { 1 } else { 2 };
            let (steps, tail) = tail.split_at_checked(64 * bytes)?;
            for (step, place) in steps.chunks_exact(bytes).zip(ZIGZAG) {
                table[usize::from(place)] =
                    step.iter().fold(0, |step, byte| step << 8 | u16::from(*byte));
            }
            *self.quantization.get_mut(usize::from(head & 15))? = Some(table);
            rest = tail;
        }
        Some(())
    }

    /// Adds the tables that `segment`, the head of a scan, assigns to all components of a frame.
    fn complete(&self, frame: &[FrameComponent], segment: &[u8]) -> Option<Vec<Component>> {
        let [count, rest @ ..] = segment else { return None };
        let (pairs, [0, 63, 0]) = rest.split_at_checked(2 * usize::from(*count))? else {
            return None;
        };
        let (pairs, _) = pairs.as_chunks::<2>();
        if pairs.len() != frame.len() {
            return None;
        }
        let component = |(component, &[id, tables]): (&FrameComponent, &[u8; 2])| {
            let table = |all: &[Option<Rc<HuffmanTable>>], number: u8| {
                all.get(usize::from(number))?.clone()
            };
            (component.id == id).then_some(())?;
            Some(Component {
                blocks: component.blocks,
                quantization: (*self.quantization.get(usize::from(component.quantization))?)?,
                dc: table(&self.dc, tables >> 4)?,
                ac: table(&self.ac, tables & 15)?,
            })
        };
        frame.iter().zip(pairs).map(component).collect()
    }
}
