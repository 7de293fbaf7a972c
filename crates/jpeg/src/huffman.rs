//! The entropy code of JPEG: numbers behind codes of few bits where they are frequent.

/// Bits that are looked up at once: few codes are longer together with their number, and four tables
/// fit into the nearest cache.
const LOOK: u32 = 11;

/// Coefficients of 8 × 8 samples, column after column.
pub(super) type Block = [i16; 64];

/// Where coefficients lie in a block, in the order of the code. What is behind the last one lies there too:
/// the end of a block is a 0 in its place.
pub(super) const ORDER: [u8; 128] = order();

const fn order() -> [u8; 128] {
    let mut places = [63; 128];
    let (mut row, mut column, mut number) = (0_u8, 0_u8, 0);
    while number < 64 {
        places[number] = column * 8 + row;
        let up = (row + column).is_multiple_of(2);
        match (up, row, column) {
            (true, _, 7) | (false, 0..7, 0) => row += 1,
            (true, 0, _) | (false, 7, _) => column += 1,
            (true, ..) => (row, column) = (row - 1, column + 1),
            (false, ..) => (row, column) = (row + 1, column - 1),
        }
        number += 1;
    }
    places
}

/// Bits of code and number together (6 bits), how many coefficients further it goes (from bit 8 on), and
/// the number (from bit 16 on).
///
/// With [`LONG`], the number is still to be read: instead of it there are the bits of the code (4) and of
/// the number (from bit 20 on), or nothing where the code is not known either.
type Entry = u32;

const LONG: Entry = 0x80;

/// For bits that are no code: ends the block.
const NO_CODE: Entry = entry(0, 64, 0);

const fn entry(bits: u32, advance: u32, number: i16) -> Entry {
    bits | advance << 8 | (number.cast_unsigned() as u32) << 16
}

#[inline(always)]
fn number(entry: Entry) -> i16 {
    ((entry >> 16) as u16).cast_signed()
}

#[inline(always)]
fn advance(entry: Entry) -> usize {
    (entry >> 8 & 0xFF) as usize
}

/// What codes mean.
#[derive(Debug)]
pub(super) struct Table {
    /// For all beginnings.
    entries: Box<[Entry; 1 << LOOK]>,
    /// By length of a code: the first 16 bits beyond such codes; what is to be added to a code, to get the
    /// place of its symbol.
    lengths: [(u32, u32); 17],
    symbols: Vec<u8>,
    kind: Kind,
}

/// What numbers stand for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Differences of first coefficients.
    Dc,
    /// All other coefficients, with the number of zeros before them.
    Ac,
}

impl Kind {
    /// Bits of a symbol's number, and how many coefficients further it goes.
    fn meaning(self, symbol: u8) -> (u32, u32) {
        match (self, u32::from(symbol & 15), u32::from(symbol >> 4)) {
            (Self::Dc, ..) => (symbol.into(), 1),
            (Self::Ac, 0, 0..15) => (0, 64),
            (Self::Ac, size, run) => (size, run + 1),
        }
    }
}

impl Table {
    /// `None` if these are not numbers of codes by length and their symbols, or not of 8-bit images.
    pub(super) fn new(kind: Kind, counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let most = if kind == Kind::Dc { 11 } else { 10 };
        if symbols.iter().any(|symbol| kind.meaning(*symbol).0 > most) {
            return None;
        }
        let mut entries = Box::new([LONG; 1 << LOOK]);
        let mut lengths = [(0, 0); 17];
        let (mut code, mut place) = (0_usize, 0);
        for (length, &count) in (1..).zip(counts) {
            let codes = symbols.get(place..place + usize::from(count))?;
            code *= 2;
            if code + codes.len() > 1 << length {
                return None;
            }
            let shift = u32::try_from(place).ok()?.wrapping_sub(u32::try_from(code).ok()?);
            if let Some(rest) = LOOK.checked_sub(length) {
                let places = entries[code << rest..].chunks_exact_mut(1 << rest);
                for (&symbol, places) in codes.iter().zip(places) {
                    fill(places, kind, symbol, length);
                }
            }
            code += codes.len();
            place += codes.len();
            lengths[length as usize] = (u32::try_from(code << (16 - length)).ok()?, shift);
        }
        Some(Self { entries, lengths, symbols: symbols.to_vec(), kind })
    }

    /// The entry for bits that begin with a code or number too long for [`entries`](Self::entries).
    #[cold]
    #[inline(never)]
    fn long(&self, found: Entry, bits: u64) -> Entry {
        let (mut length, mut size, mut step) = (found >> 16 & 15, found >> 20, found >> 8 & 0xFF);
        if length == 0 {
            let start = (bits >> 48) as u32;
            let mut longer = (LOOK + 1..).zip(&self.lengths[LOOK as usize + 1..]);
            let Some((found, (_, shift))) = longer.find(|(_, (beyond, _))| start < *beyond) else {
                return NO_CODE;
            };
            let place = (start >> (16 - found)).wrapping_add(*shift);
            let Some(&symbol) = self.symbols.get(place as usize) else { return NO_CODE };
            length = found;
            (size, step) = self.kind.meaning(symbol);
        }
        let number = ((bits << length) >> 32) as u32 >> 1 >> (31 - size);
        entry(length + size, step, signed(number, size))
    }
}

/// Makes the entries of a code.
fn fill(places: &mut [Entry], kind: Kind, symbol: u8, length: u32) {
    let (size, advance) = kind.meaning(symbol);
    let numbers = 1 << size;
    if places.len() < numbers {
        places.fill(LONG | advance << 8 | length << 16 | size << 20);
        return;
    }
    let same = places.len() / numbers;
    for (bits, places) in (0..).zip(places.chunks_exact_mut(same)) {
        places.fill(entry(length + size, advance, signed(bits, size)));
    }
}

/// The number with these bits: it is negative if the first is a 0.
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "11 bits at most")]
fn signed(bits: u32, size: u32) -> i16 {
    let negative = size > 0 && bits >> (size - 1) == 0;
    bits as i16 - if negative { (1 << size) - 1 } else { 0 }
}

/// A stream of bits, the first one the highest of a byte.
#[derive(Clone, Debug)]
pub(super) struct Bits<'a> {
    /// Bytes to come.
    rest: &'a [u8],
    /// The next bits, from the highest on.
    next: u64,
    /// How many of them there are, in the lowest 6 bits.
    count: u32,
}

impl<'a> Bits<'a> {
    /// Bits are read in advance: at least 16 bytes must stand behind those that count.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, next: 0, count: 0 }
    }

    /// Bytes that are left: none after bits that are no code.
    pub(super) fn left(&self) -> usize {
        self.rest.len() + (self.count & 63) as usize / 8
    }

    /// Makes sure of 56 bits.
    #[inline(always)]
    fn fill(&mut self) {
        if let Some(bytes) = self.rest.first_chunk() {
            self.next |= u64::from_be_bytes(*bytes) >> (self.count & 63);
            self.rest = &self.rest[((!self.count & 63) >> 3) as usize..];
            self.count |= 0b11_1000;
        } else {
            self.end();
        }
    }

    #[inline(always)]
    fn end(&mut self) {
        (self.rest, self.count) = (&[], 0);
    }

    /// The entry for the next bits, of which there must be [`LOOK`].
    #[inline(always)]
    fn find(&mut self, table: &Table) -> Entry {
        let entry = table.entries[(self.next >> (64 - LOOK)) as usize];
        if entry & LONG == 0 {
            return entry;
        }
        self.fill();
        let entry = table.long(entry, self.next);
        if entry == NO_CODE {
            self.end();
        }
        entry
    }

    #[inline(always)]
    fn take(&mut self, entry: Entry) {
        self.next <<= entry & 63;
        self.count = self.count.wrapping_sub(entry);
    }

    /// Reads a block; `before` is the first coefficient of the block before.
    #[inline(always)]
    pub(super) fn read(&mut self, dc: &Table, ac: &Table, before: &mut i16, block: &mut Block) {
        *block = [0; 64];
        self.fill();
        let entry = self.find(dc);
        self.take(entry);
        *before = before.wrapping_add(number(entry));
        block[0] = *before;
        // Codes take 11 bits with their number, or are long and take 27 of 56: so there are always
        // enough to find two more without filling.
        let mut at = 0;
        while self.step::<true>(ac, &mut at, block) && self.step::<false>(ac, &mut at, block) {}
    }

    /// Reads the coefficient after those up to `at`, or the end of the block; tells whether there is more.
    #[inline(always)]
    fn step<const FILL: bool>(&mut self, ac: &Table, at: &mut usize, block: &mut Block) -> bool {
        let entry = self.find(ac);
        if FILL {
            // Here it costs no time: the processor waits for what is to be found.
            self.fill();
        }
        self.take(entry);
        *at += advance(entry);
        block[usize::from(ORDER[*at & 127] & 63)] = number(entry);
        *at < 63
    }
}
