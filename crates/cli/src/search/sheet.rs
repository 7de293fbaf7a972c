//! Images with their neighbors, as one image or as a page.

use std::path::Path;

use anyhow::bail;
use image::imageops::{FilterType, replace, resize};
use image::{DynamicImage, Rgb, RgbImage};
use selfsame::datasets::{Dataset, PixelOptions};
use selfsame::report::{NeighborSheet, Page, Png, Table};

use super::answer::{Answer, Neighbor};
use crate::index::{SIDE, Source, thumbnail};

/// Side of a thumbnail in a terminal, in pixels.
const SMALL: u32 = 64;
/// Neighbors side by side; others are below them.
const COLUMNS: usize = 10;
const WHITE: Rgb<u8> = Rgb([255; 3]);
/// Stands in place of an image that has gone.
const BLANK: Rgb<u8> = Rgb([208; 3]);

/// What a sheet is written as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SheetFormat {
    Png,
    Html,
}

impl SheetFormat {
    /// Returns the format that the ending of `path` names.
    pub(super) fn of(path: &Path) -> anyhow::Result<Self> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
        match ending.as_deref() {
            Some("png") => Ok(Self::Png),
            Some("html") => Ok(Self::Html),
            _ => bail!("{} has none of the endings .png and .html", path.display()),
        }
    }
}

/// Thumbnails of images and of their neighbors, row by row.
#[derive(Debug)]
pub(super) struct Sheet<'a> {
    rows: Vec<Row<'a>>,
}

#[derive(Debug)]
struct Row<'a> {
    answer: &'a Answer,
    query: RgbImage,
    /// `None` for each that has gone.
    neighbors: Vec<Option<RgbImage>>,
}

impl<'a> Sheet<'a> {
    /// Reads the images; answer `i` is that to query `i`.
    pub(super) fn read(
        answers: &'a [Answer],
        queries: &dyn Dataset,
        source: &Source,
        pixels: &PixelOptions,
    ) -> anyhow::Result<Self> {
        let neighbors = || answers.iter().flat_map(|answer| &answer.neighbors);
        let names: Vec<&str> = neighbors().map(|neighbor| neighbor.name.as_str()).collect();
        let mut images = source.thumbnails(&names, pixels).into_iter();
        let row = |(index, answer): (usize, &'a Answer)| -> anyhow::Result<Row<'a>> {
            let query = thumbnail(&queries.image(index)?);
            let neighbors = images.by_ref().take(answer.neighbors.len()).collect();
            Ok(Row { answer, query, neighbors })
        };
        Ok(Self { rows: answers.iter().enumerate().map(row).collect::<Result<_, _>>()? })
    }

    /// Says how many images cannot be shown, if there are any.
    pub(super) fn note(&self) -> Option<String> {
        let gone = self.rows.iter().flat_map(|row| {
            let pairs = row.answer.neighbors.iter().zip(&row.neighbors);
            pairs.filter(|(_, image)| image.is_none()).map(|(neighbor, _)| &neighbor.name)
        });
        let mut gone: Vec<&String> = gone.collect();
        gone.sort_unstable();
        gone.dedup();
        let (count, first) = (gone.len(), gone.first()?);
        Some(format!("images that have gone, shown as blanks: {count}, such as {first}"))
    }

    pub(super) fn to_bytes(&self, format: SheetFormat) -> anyhow::Result<Vec<u8>> {
        match format {
            SheetFormat::Png => Ok(Png::encode(&self.grid(SIDE))?.as_bytes().to_vec()),
            SheetFormat::Html => Ok(self.page()?.to_string().into_bytes()),
        }
    }

    /// Returns the sheet in a size that fits most terminals.
    pub(super) fn small_png(&self) -> anyhow::Result<Png> {
        Ok(Png::encode(&self.grid(SMALL))?)
    }

    /// Draws thumbnails of `side` pixels: the query, a gap, and its neighbors.
    fn grid(&self, side: u32) -> RgbImage {
        let step = side + side / 32;
        let lines = |row: &Row<'_>| row.neighbors.len().div_ceil(COLUMNS).max(1);
        let place = |cells: usize| u32::try_from(cells).unwrap_or(u32::MAX).saturating_mul(step);
        let columns = self.rows.iter().map(|row| row.neighbors.len()).max().unwrap_or_default();
        let left = step + side / 8;
        let width = left + place(columns.min(COLUMNS));
        let height = place(self.rows.iter().map(lines).sum());
        let mut grid = RgbImage::from_pixel(width, height, WHITE);
        let mut line = 0;
        for row in &self.rows {
            draw(&mut grid, Some(&row.query), [0, place(line)], side);
            for (index, neighbor) in row.neighbors.iter().enumerate() {
                let x = left + place(index % COLUMNS);
                draw(&mut grid, neighbor.as_ref(), [x, place(line + index / COLUMNS)], side);
            }
            line += lines(row);
        }
        grid
    }

    /// Writes each query with its neighbors, and their names and distances below.
    fn page(&self) -> anyhow::Result<Page> {
        let mut page = Page::new("Most similar images");
        page.paragraph(
            "On the left the image that was searched for, then those of the index, the most \
             similar first. A gray square is an image whose file has gone.",
        );
        for Row { answer, query, neighbors } in &self.rows {
            page.heading(&answer.query);
            let images: Vec<DynamicImage> =
                neighbors.iter().map(|image| image.clone().unwrap_or_else(blank).into()).collect();
            let mut sheet = NeighborSheet::new();
            sheet.push(&query.clone().into(), &images)?;
            page.neighbors(&sheet).table(&table(&answer.neighbors));
        }
        Ok(page)
    }
}

fn table(neighbors: &[Neighbor]) -> Table {
    let mut table = Table::new(["rank", "distance", "label", "name"]);
    for Neighbor { rank, distance, name, label } in neighbors {
        let (rank, distance) = (rank.to_string(), format!("{distance:.4}"));
        table.row([&rank, &distance, label.as_deref().unwrap_or_default(), name]);
    }
    table
}

fn draw(grid: &mut RgbImage, image: Option<&RgbImage>, [x, y]: [u32; 2], side: u32) {
    let image = image.cloned().unwrap_or_else(blank);
    let image = if side == SIDE { image } else { resize(&image, side, side, FilterType::Triangle) };
    replace(grid, &image, x.into(), y.into());
}

fn blank() -> RgbImage {
    RgbImage::from_pixel(SIDE, SIDE, BLANK)
}
