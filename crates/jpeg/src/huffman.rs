//! Huffman codes and the bits they are read from.

/// Bits looked up at once: few codes are longer together with their value, and four tables fit into
/// the first-level cache.
const LOOK: u32 = 11;

/// Coefficients of 8 × 8 samples, column after column.
pub(crate) type Block = [i16; 64];

/// Positions of coefficients in a block, in the order of the code. Entries beyond the last
/// coefficient repeat its position, where the end of a block writes a 0.
pub(crate) const ZIGZAG: [u8; 128] = zigzag();

const fn zigzag() -> [u8; 128] {
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

/// The length of code and value together (6 bits), the number of coefficients to advance (from bit
/// 8 on), and the value (from bit 16 on).
///
/// With [`LONG`], the value is still to be read: its bits hold the length of the code (4 bits) and
/// of the value (from bit 20 on), or 0 where the code is longer than the lookup.
type LookupEntry = u32;

const LONG: LookupEntry = 0x80;

/// The entry for bits that are not a code, which ends the block.
const NO_CODE: LookupEntry = pack(0, 64, 0);

const fn pack(bits: u32, advance: u32, number: i16) -> LookupEntry {
    bits | advance << 8 | (number.cast_unsigned() as u32) << 16
}

#[inline(always)]
fn value(entry: LookupEntry) -> i16 {
    ((entry >> 16) as u16).cast_signed()
}

#[inline(always)]
fn advance(entry: LookupEntry) -> usize {
    (entry >> 8 & 0xFF) as usize
}

/// A table of codes.
#[derive(Debug)]
pub(crate) struct HuffmanTable {
    /// Entries by the next [`LOOK`] bits.
    entries: Box<[LookupEntry; 1 << LOOK]>,
    /// Limits by length of a code: the first 16 bits beyond all codes of that length, and the
    /// difference between the index of a symbol and its code.
    lengths: [(u32, u32); 17],
    symbols: Vec<u8>,
    kind: Kind,
}

/// The coefficients a table codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Differences of the first coefficients of blocks.
    Dc,
    /// All other coefficients, each with the number of zeros before it.
    Ac,
}

impl Kind {
    /// Returns the bits of a symbol's value, and the number of coefficients to advance.
    fn meaning(self, symbol: u8) -> (u32, u32) {
        match (self, u32::from(symbol & 15), u32::from(symbol >> 4)) {
            (Self::Dc, ..) => (symbol.into(), 1),
            (Self::Ac, 0, 0..15) => (0, 64),
            (Self::Ac, size, run) => (size, run + 1),
        }
    }
}

impl HuffmanTable {
    /// Builds a table from the number of codes by length and their symbols; `None` if these do not
    /// form a code, or not one of 8-bit images.
    pub(crate) fn new(kind: Kind, counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
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

    /// Returns the entry for bits whose code or value is too long for [`entries`](Self::entries).
    #[cold]
    #[inline(never)]
    fn long(&self, found: LookupEntry, bits: u64) -> LookupEntry {
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
        pack(length + size, step, signed(number, size))
    }
}

/// Writes the entries of a code.
fn fill(places: &mut [LookupEntry], kind: Kind, symbol: u8, length: u32) {
    let (size, advance) = kind.meaning(symbol);
    let values = 1 << size;
    if places.len() < values {
        places.fill(LONG | advance << 8 | length << 16 | size << 20);
        return;
    }
    let same = places.len() / values;
    for (bits, places) in (0..).zip(places.chunks_exact_mut(same)) {
        places.fill(pack(length + size, advance, signed(bits, size)));
    }
}

/// Returns the value that `size` bits stand for: it is negative if the first bit is 0.
#[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "11 bits at most")]
fn signed(bits: u32, size: u32) -> i16 {
    let negative = size > 0 && bits >> (size - 1) == 0;
    bits as i16 - if negative { (1 << size) - 1 } else { 0 }
}

/// A stream of bits, from the highest bit of each byte to the lowest.
#[derive(Clone, Debug)]
pub(crate) struct Bits<'a> {
    /// Bytes not yet in `next`.
    rest: &'a [u8],
    /// The next bits, from the highest on.
    next: u64,
    /// Number of bits in `next`, in the lowest 6 bits.
    count: u32,
}

impl<'a> Bits<'a> {
    /// Starts at the first bit. Bits are read in advance: at least 16 more bytes must follow the
    /// data.
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, next: 0, count: 0 }
    }

    /// Returns the number of bytes left, 0 after bits that are not a code.
    pub(crate) fn left(&self) -> usize {
        self.rest.len() + (self.count & 63) as usize / 8
    }

    /// Reads until `next` has at least 56 bits.
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

    /// Returns the entry for the next bits; there must be at least [`LOOK`].
    #[inline(always)]
    fn find(&mut self, table: &HuffmanTable) -> LookupEntry {
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
    fn take(&mut self, entry: LookupEntry) {
        self.next <<= entry & 63;
        self.count = self.count.wrapping_sub(entry);
    }

    /// Reads a block; `predictor` is the DC coefficient of the previous block, and becomes this
    /// one's.
    #[inline(always)]
    pub(crate) fn read(
        &mut self,
        dc: &HuffmanTable,
        ac: &HuffmanTable,
        predictor: &mut i16,
        block: &mut Block,
    ) {
        *block = [0; 64];
        self.fill();
        let entry = self.find(dc);
        self.take(entry);
        *predictor = predictor.wrapping_add(value(entry));
        block[0] = *predictor;
        // A code and its value take up to 11 bits, or up to 27 if they are long, of 56: so there
        // are always enough bits to find two more without filling.
        let mut at = 0;
        while self.step::<true>(ac, &mut at, block) && self.step::<false>(ac, &mut at, block) {}
    }

    /// Reads the coefficient after the one at `at`, or the end of the block; returns whether more
    /// follow.
    #[inline(always)]
    fn step<const FILL: bool>(
        &mut self,
        ac: &HuffmanTable,
        at: &mut usize,
        block: &mut Block,
    ) -> bool {
        let entry = self.find(ac);
        if FILL {
            // Filling costs no time here: the processor is waiting for the lookup.
            self.fill();
        }
        self.take(entry);
        *at += advance(entry);
        block[usize::from(ZIGZAG[*at & 127] & 63)] = value(entry);
        *at < 63
    }
}
