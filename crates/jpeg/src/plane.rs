//! From blocks to the samples of a component.

use std::ops::Range;

use super::Part;
use super::header::{Component, Header};
use super::huffman::Block;
use super::transform::Transform;

/// The samples of a component.
pub(super) struct Plane {
    /// From row `first` on.
    samples: Vec<u8>,
    first: usize,
    stride: usize,
    /// `[height, width]` of what belongs to the image.
    pub(super) size: [usize; 2],
    /// Pixels that share a sample, `[down, across]`.
    pub(super) shares: [usize; 2],
    /// Of a block, `[down, across]`.
    block: [usize; 2],
    /// Rows of blocks so far.
    seen: usize,
    /// Blocks that are wanted.
    pub(super) rows: Range<usize>,
    columns: Range<usize>,
    transform: Transform,
}

impl Plane {
    /// One without samples.
    pub(super) fn new(
        component: &Component,
        header: &Header<'_>,
        reduction: usize,
        part: &Part,
    ) -> Self {
        let most = header.components[0].blocks;
        let pixels = [0, 1].map(|side| 8 / reduction * most[side] / component.blocks[side]);
        let block = pixels.map(|pixels| pixels.min(8));
        let shares = [0, 1].map(|side| pixels[side] / block[side]);
        let blocks = [0, 1].map(|side| header.units()[side] * component.blocks[side]);
        let wanted = |side: usize, part: &Range<usize>| {
            // The neighbors of a sample that is shared count, too.
            let more = usize::from(shares[side] > 1);
            let start = (part.start / shares[side]).saturating_sub(more) / block[side];
            let end = (part.end.div_ceil(shares[side]) + more).div_ceil(block[side]);
            start..end.min(blocks[side])
        };
        let stride = blocks[1] * block[1];
        let (rows, columns) = (wanted(0, &part.rows), wanted(1, &part.columns));
        Self {
            samples: Vec::new(),
            first: rows.start * block[0],
            stride,
            size: [0, 1].map(|side| header.size[side].div_ceil(reduction).div_ceil(shares[side])),
            shares,
            block,
            seen: 0,
            rows,
            columns,
            transform: Transform::new(&component.steps, block),
        }
    }

    pub(super) fn row(&self, row: usize) -> &[u8] {
        &self.samples[(row - self.first) * self.stride..][..self.stride]
    }

    /// Makes the samples of the next row of blocks, as far as they are wanted.
    pub(super) fn add(&mut self, blocks: &[Block]) {
        if self.rows.contains(&self.seen) {
            let [down, across] = self.block;
            let start = self.samples.len() + self.columns.start * across;
            self.samples.resize(self.samples.len() + down * self.stride, 0);
            let blocks = &blocks[self.columns.clone()];
            self.transform.run(blocks, &mut self.samples[start..], self.stride);
        }
        self.seen += 1;
    }

    pub(super) fn drop_before(&mut self, row: usize) {
        let rows = row.saturating_sub(self.first).min(self.samples.len() / self.stride);
        self.samples.drain(..rows * self.stride);
        self.first += rows;
    }
}
