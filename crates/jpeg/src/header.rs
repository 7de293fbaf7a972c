//! What stands before the image's data.

use std::iter;
use std::rc::Rc;

use image::metadata::Orientation;

use super::huffman::{Kind, ORDER, Table};

/// The head of a JPEG that [`decode`](super::decode) can read.
#[derive(Debug)]
pub(super) struct Header<'a> {
    /// `[height, width]`.
    pub(super) size: [usize; 2],
    /// Luma, or luma and both chromas.
    pub(super) components: Vec<Component>,
    /// Units between two points where the code starts anew.
    pub(super) interval: Option<usize>,
    /// All that follows.
    pub(super) data: &'a [u8],
}

/// One of the planes that the image is coded as.
#[derive(Debug)]
pub(super) struct Component {
    /// Blocks of a unit, `[down, across]`.
    pub(super) blocks: [usize; 2],
    /// What coefficients are multiples of, column after column.
    pub(super) steps: [u16; 64],
    pub(super) dc: Rc<Table>,
    pub(super) ac: Rc<Table>,
}

/// What a frame says of the image.
struct Frame {
    size: [u16; 2],
    announced: Vec<Announced>,
}

/// A component as it is announced.
struct Announced {
    id: u8,
    blocks: [usize; 2],
    steps: u8,
}

/// Tables so far, by number.
#[derive(Default)]
struct Tables {
    steps: [Option<[u16; 64]>; 4],
    dc: [Option<Rc<Table>>; 4],
    ac: [Option<Rc<Table>>; 4],
}

impl<'a> Header<'a> {
    /// Units that the image consists of, `[down, across]`.
    pub(super) fn units(&self) -> [usize; 2] {
        [0, 1].map(|side| self.size[side].div_ceil(8 * self.components[0].blocks[side]))
    }

    /// `None` if it is none of an image with 8 bits in one sequential, Huffman coded scan, gray or with
    /// luma and chroma.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (mut tables, mut frame, mut interval) = (Tables::default(), None, None);
        for (marker, segment, data) in segments(bytes)? {
            match marker {
                FRAME | EXTENDED_FRAME => frame = Some(Frame::read(segment)?),
                0xC4 => tables.read_codes(segment)?,
                0xDB => tables.read_steps(segment)?,
                0xC2..=0xCF => return None,
                0xDD => interval = Some(usize::from(number(segment)?)).filter(|units| *units > 0),
                // Red, green and blue.
                0xEE if segment.starts_with(b"Adobe") && segment.get(11) == Some(&0) => {
                    return None;
                }
                SCAN => {
                    let Frame { size, announced } = frame?;
                    let components = tables.components(&announced, segment)?;
                    let size = size.map(usize::from);
                    return Some(Self { size, components, interval, data });
                }
                _ => {}
            }
        }
        None
    }
}

/// What can be told without decoding anything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Outline {
    /// `[height, width]`.
    pub(crate) size: [u32; 2],
    pub(crate) channels: usize,
    pub(crate) orientation: Orientation,
}

impl Outline {
    /// `None` where [`Header::read`] finds no frame either.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let (mut frame, mut orientation) = (None, Orientation::NoTransforms);
        for (marker, segment, _) in segments(bytes)? {
            match marker {
                FRAME | EXTENDED_FRAME => frame = Some(Frame::read(segment)?),
                0xE1 => {
                    if let Some(exif) = segment.strip_prefix(b"Exif\0\0") {
                        orientation = Orientation::from_exif_chunk(exif).unwrap_or(orientation);
                    }
                }
                SCAN => {
                    let Frame { size, announced } = frame?;
                    let (size, channels) = (size.map(u32::from), announced.len());
                    return Some(Self { size, channels, orientation });
                }
                _ => {}
            }
        }
        None
    }
}

const FRAME: u8 = 0xC0;
const EXTENDED_FRAME: u8 = 0xC1;
const SCAN: u8 = 0xDA;

/// Marker, content, and all that follows, of each segment up to the first scan.
fn segments(bytes: &[u8]) -> Option<impl Iterator<Item = (u8, &[u8], &[u8])>> {
    let mut rest = bytes.strip_prefix(&[0xFF, 0xD8])?;
    Some(iter::from_fn(move || {
        while rest.starts_with(&[0xFF, 0xFF]) {
            rest = &rest[1..];
        }
        let [0xFF, marker, after @ ..] = rest else { return None };
        let (segment, after) = after.split_at_checked(number(after)?.into())?;
        rest = after;
        Some((*marker, segment.get(2..)?, after))
    }))
}

/// The number that bytes begin with.
fn number(bytes: &[u8]) -> Option<u16> {
    bytes.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

impl Frame {
    fn read(segment: &[u8]) -> Option<Self> {
        let [8, rest @ ..] = segment else { return None };
        let size = [number(rest)?, number(rest.get(2..)?)?];
        let (triples, []) = rest.get(5..)?.as_chunks::<3>() else { return None };
        if size.contains(&0) || triples.len() != usize::from(rest[4]) {
            return None;
        }
        let announced = |&[id, blocks, steps]: &[u8; 3]| Announced {
            id,
            blocks: [blocks & 15, blocks >> 4].map(usize::from),
            steps,
        };
        let mut components: Vec<_> = triples.iter().map(announced).collect();
        match &mut components[..] {
            // The blocks of a single component come row by row, whatever it says.
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
        Some(Self { size, announced: components })
    }
}

impl Tables {
    fn read_codes(&mut self, mut rest: &[u8]) -> Option<()> {
        while let [head, tail @ ..] = rest {
            let (counts, tail) = tail.split_first_chunk()?;
            let length = counts.iter().map(|count| usize::from(*count)).sum();
            let (symbols, tail) = tail.split_at_checked(length)?;
            let (kind, tables) = match head >> 4 {
                0 => (Kind::Dc, &mut self.dc),
                _ => (Kind::Ac, &mut self.ac),
            };
            let table = Table::new(kind, counts, symbols)?;
            *tables.get_mut(usize::from(head & 15))? = Some(Rc::new(table));
            rest = tail;
        }
        Some(())
    }

    fn read_steps(&mut self, mut rest: &[u8]) -> Option<()> {
        while let [head, tail @ ..] = rest {
            let mut steps = [0; 64];
            let bytes = if head >> 4 == 0 { 1 } else { 2 };
            let (numbers, tail) = tail.split_at_checked(64 * bytes)?;
            for (number, place) in numbers.chunks_exact(bytes).zip(ORDER) {
                steps[usize::from(place)] =
                    number.iter().fold(0, |number, byte| number << 8 | u16::from(*byte));
            }
            *self.steps.get_mut(usize::from(head & 15))? = Some(steps);
            rest = tail;
        }
        Some(())
    }

    /// What was announced, with its tables, for a scan of all components.
    fn components(&self, announced: &[Announced], segment: &[u8]) -> Option<Vec<Component>> {
        let [count, rest @ ..] = segment else { return None };
        let (pairs, [0, 63, 0]) = rest.split_at_checked(2 * usize::from(*count))? else {
            return None;
        };
        let (pairs, _) = pairs.as_chunks::<2>();
        if pairs.len() != announced.len() {
            return None;
        }
        let component = |(announced, &[id, tables]): (&Announced, &[u8; 2])| {
            let table =
                |all: &[Option<Rc<Table>>], number: u8| all.get(usize::from(number))?.clone();
            (announced.id == id).then_some(())?;
            Some(Component {
                blocks: announced.blocks,
                steps: (*self.steps.get(usize::from(announced.steps))?)?,
                dc: table(&self.dc, tables >> 4)?,
                ac: table(&self.ac, tables & 15)?,
            })
        };
        announced.iter().zip(pairs).map(component).collect()
    }
}
