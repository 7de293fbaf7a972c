//! Sums of exponentials of all scores of two sets of rows, tile by tile: the matrix of scores is
//! never materialized.
//!
//! Tiles are worked on in rounds. No two tiles of a round share a block of rows, so that one task
//! at a time adds to a block's sums, in an order that does not depend on the number of threads. If
//! only the anchors have sums there are no rounds: every task has separate sums.

#![allow(clippy::inline_always, reason = "a vector loop must be compiled for its processor")]

use std::ops::Range;
use std::sync::{Mutex, PoisonError};

use faer::linalg::matmul::matmul;
use faer::{Accum, MatMut, MatRef, Par};
use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

use crate::loss::excluded::Excluded;
use crate::simd::{exponential, row_sum};

/// The largest absolute score `m` for which `eˢ⁻ᵐ` is a normal float for every score `s`.
pub(crate) const LARGEST_SCORE: f32 = 40.0;

/// Approximate number of tasks without rounds; each needs memory for a block's gradient.
const TASKS: usize = 32;

/// Rows `anchors` and `candidates`, or one set of rows that are both, scored by `aᵢ · cₖ · scale`.
#[derive(Clone, Copy)]
pub(crate) struct Tiles<'a> {
    pub(crate) anchors: &'a [f32],
    /// `None` for the anchors themselves; then `excluded` must be symmetric.
    pub(crate) candidates: Option<&'a [f32]>,
    pub(crate) dim: usize,
    pub(crate) scale: f32,
    /// At least the largest absolute score, at most [`LARGEST_SCORE`].
    pub(crate) shift: f32,
    pub(crate) excluded: &'a Excluded,
    /// Rows of a block of anchors and of candidates; the same where those are the anchors.
    pub(crate) lengths: [usize; 2],
}

/// Returns the number of rows of a block of anchors and of candidates, by their counts. In rounds
/// few anchors have small blocks, as no two tiles that are worked on at a time have the same
/// anchors.
pub(crate) fn block_lengths(
    anchors: usize,
    candidates: Option<usize>,
    in_rounds: bool,
) -> [usize; 2] {
    let length = block_length(anchors);
    match candidates {
        None => [length; 2],
        Some(candidates) if in_rounds => {
            [length.min((anchors / 8).max(32)), block_length(candidates)]
        }
        Some(candidates) => [length, block_length(candidates)],
    }
}

/// Returns the number of rows of a block, by the number of all rows: enough blocks for every core,
/// each large enough.
fn block_length(rows: usize) -> usize {
    match rows {
        0..=256 => 64,
        257..=1024 => 128,
        _ => 256,
    }
}

impl Tiles<'_> {
    /// Computes for every anchor the sum of `eˢ⁻ˢʰⁱᶠᵗ` over the candidates that are not excluded.
    pub(crate) fn sums(&self) -> Vec<f32> {
        let blocks = self.blocks(self.anchors, 0, |rows| vec![0.0_f32; rows]);
        self.each_tile(|tile, scores| {
            let mut columns = vec![0.0; if tile.mirrored { tile.columns } else { 0 }];
            let mut rows = vec![0.0; tile.rows];
            let task = ExponentialSums {
                scores,
                shift: self.shift,
                excluded: self.excluded_places(&tile),
            };
            task.run(&mut rows, &mut columns);
            add(&mut lock(&blocks[tile.row_block]), &rows);
            if tile.mirrored {
                add(&mut lock(&blocks[tile.column_block]), &columns);
            }
        });
        concat(blocks)
    }

    /// Computes [`sums`](Self::sums) and for every anchor the weighted sum `Σₖ eˢ⁻ˢʰⁱᶠᵗ cₖ ·
    /// scale`, in one pass: times `w / sums` the latter is the whole gradient if the candidates are
    /// constants.
    pub(crate) fn sums_and_weighted_sums(&self) -> (Vec<f32>, Vec<f32>) {
        let candidates = self.candidates.unwrap_or(self.anchors);
        let counts = [self.anchors, candidates].map(|rows| rows.len() / self.dim);
        let [length, columns] = self.lengths;
        let column_blocks = counts[1].div_ceil(columns);
        let tiles = counts[0].div_ceil(length) * column_blocks;
        // Column blocks of a task: they depend on the numbers of rows alone.
        let part = tiles.div_ceil(TASKS).min(column_blocks);
        let mut sums = vec![0.0; counts[0]];
        let mut weighted = vec![0.0; counts[0] * self.dim];
        let blocks = sums.par_chunks_mut(length).zip(weighted.par_chunks_mut(length * self.dim));
        blocks.enumerate().for_each(|(row_block, (sums, weighted))| {
            let starts = (0..column_blocks).into_par_iter().step_by(part);
            let parts = starts.map(|start| {
                let mut own = (vec![0.0; sums.len()], vec![0.0; weighted.len()]);
                let columns = start..column_blocks.min(start + part);
                self.add_sums_and_weighted_sums(row_block, columns, &mut own.0, &mut own.1);
                own
            });
            for (more, more_weighted) in parts.collect::<Vec<_>>() {
                add(sums, &more);
                add(weighted, &more_weighted);
            }
        });
        (sums, weighted)
    }

    fn add_sums_and_weighted_sums(
        &self,
        row_block: usize,
        column_blocks: Range<usize>,
        sums: &mut [f32],
        weighted: &mut [f32],
    ) {
        let mut scores = Vec::new();
        for column_block in column_blocks {
            let tile = self.tile(row_block, column_block);
            self.score(&tile, &mut scores);
            let excluded = self.excluded_places(&tile);
            ExponentialSums { scores: &mut scores, shift: self.shift, excluded }.run(sums, &mut []);
            let weights = MatRef::from_row_major_slice(&scores, tile.rows, tile.columns);
            let (_, candidates) = self.rows_of(&tile);
            let out = MatMut::from_row_major_slice_mut(weighted, tile.rows, self.dim);
            matmul(out, Accum::Add, weights, candidates, self.scale, Par::Seq);
        }
    }

    /// Computes the gradients of `Σᵢ wᵢ log Σₖ eˢ` with respect to anchors and, if `wanted`,
    /// candidates, from `factors = w / sums`. With one set of rows the first is the whole gradient;
    /// the second is empty if it is not wanted.
    pub(crate) fn gradients(&self, factors: &[f32], wanted: bool) -> (Vec<f32>, Vec<f32>) {
        let zeros = |rows: usize| vec![0.0_f32; rows * self.dim];
        let of_anchors = self.blocks(self.anchors, 0, zeros);
        let candidates = self.candidates.filter(|_| wanted).unwrap_or_default();
        let of_candidates = self.blocks(candidates, 1, zeros);
        self.each_tile(|tile, scores| {
            let row_factors = &factors[tile.first_row..][..tile.rows];
            let column_factors = match self.candidates {
                None => &factors[tile.first_column..][..tile.columns],
                Some(_) => &[],
            };
            let excluded = self.excluded_places(&tile);
            let shift = self.shift;
            Arch::new().dispatch(GradientWeights {
                scores,
                shift,
                row_factors,
                column_factors,
                excluded,
            });
            let weights = MatRef::from_row_major_slice(scores, tile.rows, tile.columns);
            let (anchors, candidates) = self.rows_of(&tile);
            {
                let mut out = lock(&of_anchors[tile.row_block]);
                let out = MatMut::from_row_major_slice_mut(&mut out, tile.rows, self.dim);
                matmul(out, Accum::Add, weights, candidates, self.scale, Par::Seq);
            }
            let other = if let Some(block) = of_candidates.get(tile.column_block) {
                block
            } else if tile.mirrored {
                &of_anchors[tile.column_block]
            } else {
                return;
            };
            let mut out = lock(other);
            let out = MatMut::from_row_major_slice_mut(&mut out, tile.columns, self.dim);
            matmul(out, Accum::Add, weights.transpose(), anchors, self.scale, Par::Seq);
        });
        (concat(of_anchors), concat(of_candidates))
    }

    fn blocks(
        &self,
        rows: &[f32],
        side: usize,
        new: impl Fn(usize) -> Vec<f32>,
    ) -> Vec<Mutex<Vec<f32>>> {
        let chunks = rows.chunks(self.lengths[side] * self.dim);
        chunks.map(|block| Mutex::new(new(block.len() / self.dim))).collect()
    }

    /// Runs `task` on the scores of every tile; of two tiles that mirror each other on one.
    fn each_tile(&self, task: impl Fn(Tile, &mut [f32]) + Sync) {
        let blocks =
            |rows: &[f32], side: usize| (rows.len() / self.dim).div_ceil(self.lengths[side]);
        let rounds = match self.candidates {
            None => tournament(blocks(self.anchors, 0)),
            Some(candidates) => shifted(blocks(self.anchors, 0), blocks(candidates, 1)),
        };
        for round in rounds {
            round.into_par_iter().for_each_init(Vec::new, |buffer, (row_block, column_block)| {
                let tile = self.tile(row_block, column_block);
                self.score(&tile, buffer);
                task(tile, buffer);
            });
        }
    }

    fn score(&self, tile: &Tile, scores: &mut Vec<f32>) {
        scores.resize(tile.rows * tile.columns, 0.0);
        let (anchors, candidates) = self.rows_of(tile);
        let out = MatMut::from_row_major_slice_mut(scores, tile.rows, tile.columns);
        matmul(out, Accum::Replace, anchors, candidates.transpose(), self.scale, Par::Seq);
    }

    fn tile(&self, row_block: usize, column_block: usize) -> Tile {
        let rows = self.anchors.len() / self.dim;
        let columns = self.candidates.unwrap_or(self.anchors).len() / self.dim;
        let [of_rows, of_columns] = self.lengths;
        let (first_row, first_column) = (row_block * of_rows, column_block * of_columns);
        Tile {
            row_block,
            column_block,
            first_row,
            first_column,
            rows: of_rows.min(rows - first_row),
            columns: of_columns.min(columns - first_column),
            mirrored: self.candidates.is_none() && row_block != column_block,
        }
    }

    fn rows_of(&self, tile: &Tile) -> (MatRef<'_, f32>, MatRef<'_, f32>) {
        let candidates = self.candidates.unwrap_or(self.anchors);
        (
            self.matrix(self.anchors, tile.first_row, tile.rows),
            self.matrix(candidates, tile.first_column, tile.columns),
        )
    }

    fn matrix<'b>(&self, rows: &'b [f32], first: usize, count: usize) -> MatRef<'b, f32> {
        let rows = &rows[first * self.dim..][..count * self.dim];
        MatRef::from_row_major_slice(rows, count, self.dim)
    }

    /// Returns the excluded elements of the tile, by their index in row-major order.
    fn excluded_places(&self, tile: &Tile) -> Vec<usize> {
        let columns = tile.first_column..tile.first_column + tile.columns;
        let mut places = Vec::new();
        for row in 0..tile.rows {
            for column in self.excluded.of(tile.first_row + row) {
                if columns.contains(&column) {
                    places.push(row * tile.columns + column - tile.first_column);
                }
            }
        }
        places
    }
}

struct Tile {
    row_block: usize,
    column_block: usize,
    first_row: usize,
    first_column: usize,
    rows: usize,
    columns: usize,
    /// Whether the tile also stands for its mirror image.
    mirrored: bool,
}

/// Lists every pair of `count` blocks once, each with itself too, in rounds of pairs without a
/// common block (the circle method of tournaments).
fn tournament(count: usize) -> Vec<Vec<(usize, usize)>> {
    let mut rounds = vec![(0..count).map(|block| (block, block)).collect()];
    let seats = count + count % 2;
    for round in 0..seats.saturating_sub(1) {
        let turning = seats - 1;
        let pair = |place: usize| match place {
            0 => (round, turning),
            _ => ((round + place) % turning, (round + turning - place) % turning),
        };
        let pairs = (0..seats / 2).map(pair).map(|(a, b)| (a.min(b), a.max(b)));
        rounds.push(pairs.filter(|&(_, last)| last < count).collect());
    }
    rounds
}

/// Lists every pair of one of `rows` and one of `columns` once, in rounds of pairs without a common
/// block.
fn shifted(rows: usize, columns: usize) -> Vec<Vec<(usize, usize)>> {
    let places = rows.max(columns);
    let round = |round: usize| {
        let pairs = (0..rows).map(move |row| (row, (row + round) % places));
        pairs.filter(|&(_, column)| column < columns).collect()
    };
    (0..places).map(round).collect()
}

fn lock(block: &Mutex<Vec<f32>>) -> std::sync::MutexGuard<'_, Vec<f32>> {
    block.lock().unwrap_or_else(PoisonError::into_inner)
}

fn add(sums: &mut [f32], more: &[f32]) {
    for (sum, more) in sums.iter_mut().zip(more) {
        *sum += more;
    }
}

fn concat(blocks: Vec<Mutex<Vec<f32>>>) -> Vec<f32> {
    let blocks = blocks.into_iter();
    blocks.flat_map(|block| block.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

/// Turns scores into `eˢ⁻ˢʰⁱᶠᵗ`, 0 where excluded, and adds them to sums by row and, if there are
/// any, by column.
struct ExponentialSums<'a> {
    scores: &'a mut [f32],
    shift: f32,
    excluded: Vec<usize>,
}

impl ExponentialSums<'_> {
    fn run(self, rows: &mut [f32], columns: &mut [f32]) {
        struct Task<'a>(ExponentialSums<'a>, &'a mut [f32], &'a mut [f32]);
        impl WithSimd for Task<'_> {
            type Output = ();

            #[inline(always)]
            fn with_simd<S: Simd>(self, _: S) {
                let Task(ExponentialSums { scores, shift, excluded }, rows, columns) = self;
                exponentials(scores, shift, &excluded);
                let length = scores.len() / rows.len();
                for (row, total) in scores.chunks_exact(length).zip(rows) {
                    *total += row_sum(row);
                    for (column, x) in columns.iter_mut().zip(row) {
                        *column += x;
                    }
                }
            }
        }
        Arch::new().dispatch(Task(self, rows, columns));
    }
}

/// Turns scores into the weights `eˢ⁻ˢʰⁱᶠᵗ · (fᵢ + fₖ)` of the gradient; without `column_factors`,
/// `fₖ` is omitted.
struct GradientWeights<'a> {
    scores: &'a mut [f32],
    shift: f32,
    row_factors: &'a [f32],
    column_factors: &'a [f32],
    excluded: Vec<usize>,
}

impl WithSimd for GradientWeights<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { scores, shift, row_factors, column_factors, excluded } = self;
        exponentials(scores, shift, &excluded);
        let columns = scores.len() / row_factors.len();
        for (row, factor) in scores.chunks_exact_mut(columns).zip(row_factors) {
            if column_factors.is_empty() {
                for x in row {
                    *x *= factor;
                }
            } else {
                for (x, other) in row.iter_mut().zip(column_factors) {
                    *x *= factor + other;
                }
            }
        }
    }
}

#[inline(always)]
fn exponentials(scores: &mut [f32], shift: f32, excluded: &[usize]) {
    for x in scores.iter_mut() {
        *x = exponential(*x - shift);
    }
    for place in excluded {
        scores[*place] = 0.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pair_meets_once_and_no_block_twice_in_a_round() {
        for count in 0..12 {
            let mut met: Vec<_> = tournament(count).concat();
            met.sort_unstable();
            let want: Vec<_> = (0..count).flat_map(|a| (a..count).map(move |b| (a, b))).collect();
            assert_eq!(met, want);
            for rows in 1..6 {
                let mut met = shifted(rows, count).concat();
                met.sort_unstable();
                let pairs = (0..rows).flat_map(|a| (0..count).map(move |b| (a, b)));
                assert_eq!(met, pairs.collect::<Vec<_>>());
            }
            for round in tournament(count).into_iter().skip(1) {
                let mut blocks: Vec<_> = round.iter().flat_map(|&(a, b)| [a, b]).collect();
                blocks.sort_unstable();
                blocks.dedup();
                assert_eq!(blocks.len(), 2 * round.len());
            }
        }
    }
}
