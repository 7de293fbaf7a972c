//! Conversion of blocks of coefficients to the samples of a component.

use std::ops::Range;

use crate::header::{Component, Header};
use crate::huffman::Block;
use crate::region::Wanted;
use crate::transform::Transform;

/// The samples of a component, of which only the rows still needed are kept.
pub(crate) struct Plane {
    /// Rows from `first` on.
    samples: Vec<u8>,
    first: usize,
    stride: usize,
    /// `[height, width]` of the samples that belong to the image.
    pub(crate) size: [usize; 2],
    /// Pixels per sample, `[down, across]`: 1 or 2.
    pub(crate) subsampling: [usize; 2],
    /// Samples of a block, `[down, across]`.
    block: [usize; 2],
    /// Rows of blocks seen so far.
    seen: usize,
    /// Rows of blocks to compute.
    pub(crate) rows: Range<usize>,
    /// Columns of blocks to compute.
    columns: Range<usize>,
    transform: Transform,
}

impl Plane {
    /// Returns a plane without samples.
    pub(crate) fn new(
        component: &Component,
        header: &Header<'_>,
        reduction: usize,
        wanted: &Wanted,
    ) -> Self {
        let most = header.components[0].blocks;
        let pixels = [0, 1].map(|side| 8 / reduction * most[side] / component.blocks[side]);
        let block = pixels.map(|pixels| pixels.min(8));
        let subsampling = [0, 1].map(|side| pixels[side] / block[side]);
        let blocks = [0, 1].map(|side| header.units()[side] * component.blocks[side]);
        let covering = |side: usize, wanted: &Range<usize>| {
            // Upsampling also reads the neighbors of a sample.
            let more = usize::from(subsampling[side] > 1);
            let start = (wanted.start / subsampling[side]).saturating_sub(more) / block[side];
            let end = (wanted.end.div_ceil(subsampling[side]) + more).div_ceil(block[side]);
            start..end.min(blocks[side])
        };
        let stride = blocks[1] * block[1];
        let (rows, columns) = (covering(0, &wanted.rows), covering(1, &wanted.columns));
        let size =
            [0, 1].map(|side| header.size[side].div_ceil(reduction).div_ceil(subsampling[side]));
        Self {
            samples: Vec::new(),
            first: rows.start * block[0],
            stride,
            size,
            subsampling,
            block,
            seen: 0,
            rows,
            columns,
            transform: Transform::new(&component.quantization, block),
        }
    }

    pub(crate) fn row(&self, row: usize) -> &[u8] {
        &self.samples[(row - self.first) * self.stride..][..self.stride]
    }

    /// Computes the samples of the next row of blocks, as far as they are wanted.
    pub(crate) fn add(&mut self, blocks: &[Block]) {
        if self.rows.contains(&self.seen) {
            let [down, across] = self.block;
            let start = self.samples.len() + self.columns.start * across;
            self.samples.resize(self.samples.len() + down * self.stride, 0);
            let blocks = &blocks[self.columns.clone()];
            self.transform.run(blocks, &mut self.samples[start..], self.stride);
        }
        self.seen += 1;
    }

    /// Drops the rows before `row`.
    pub(crate) fn drop_before(&mut self, row: usize) {
        let rows = row.saturating_sub(self.first).min(self.samples.len() / self.stride);
        self.samples.drain(..rows * self.stride);
        self.first += rows;
    }
}
