//! `selfsame views`: what the encoder will see, as a sheet of images with their views.

use std::path::PathBuf;

use anyhow::{Context, ensure};
use clap::Args;
use image::DynamicImage;
use selfsame::augment::{Recipe, ViewMaker, view_grid};
use selfsame::datasets::{
    Dataset, PixelOptions, Rescaled, Split, Splits, Synthetic, SyntheticConfig, open_all,
};
use selfsame::files::write_atomically;
use selfsame::models::MethodName;
use selfsame::report::Png;
use serde_json::{Value, json};

use crate::data_options::DataOptions;
use crate::export::check_file;
use crate::given::Given;
use crate::named::{method, recipe as read_recipe};
use crate::terminal::Terminal;

/// Side of a drawn image, in pixels.
const DRAWN: u32 = 32;
/// Images that are looked at for the range of their values.
const INSPECTED: usize = 100;
/// Images that are tried in the place of one that cannot be read.
const TRIED: usize = 10;

#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Images: folders, archives, lists and other formats, as for `pretrain`
    /// [default: drawn shapes]
    #[arg(value_name = "DATA")]
    data: Vec<PathBuf>,
    /// Recipe of the views: its name (`selfsame recipes` lists all), or a file of TOML or JSON
    /// [default: that of `pretrain`]
    #[arg(long, value_name = "NAME|FILE", conflicts_with = "method")]
    recipe: Option<String>,
    /// Method whose default recipe is shown; `selfsame methods` lists all
    #[arg(long, value_name = "NAME", value_parser = method)]
    method: Option<MethodName>,
    /// Side of the first view, in pixels; others follow in proportion [default: that of the recipe]
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(8..=1024))]
    image_size: Option<u32>,
    /// Images to show, 1 to 100, spread evenly over the data
    #[arg(long, value_name = "IMAGES", default_value_t = 8,
          value_parser = clap::value_parser!(u32).range(1..=100))]
    count: u32,
    /// Seed of the views
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
    /// File to write, as PNG
    #[arg(long, value_name = "FILE", default_value = "views.png")]
    out: PathBuf,
    /// Replace the file if there is one
    #[arg(long)]
    overwrite: bool,
    #[command(flatten)]
    reading: DataOptions,
}

impl Options {
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<()> {
        check_file(&self.out, "png", self.overwrite)?;
        let recipe = self.recipe()?;
        let images = self.images(terminal)?;
        let sheet = Png::encode(&view_grid(&images, &recipe, self.seed))?;
        let out = self.out.display().to_string();
        write_atomically(&self.out, sheet.as_bytes())
            .with_context(|| format!("cannot write {out}"))?;
        let (count, views) = (images.len(), recipe.view_count());
        let name = &recipe.name;
        if terminal.json {
            return terminal.json(&json!({
                "out": out, "images": count, "views": views, "recipe": name,
            }));
        }
        terminal.result(format_args!("{out}: images {count}, views of each {views}, recipe {name}"))
    }

    /// Returns the given recipe, or the one that `pretrain` would use.
    fn recipe(&self) -> anyhow::Result<Recipe> {
        if let Some(name) = &self.recipe {
            let recipe = read_recipe(name)?;
            return Ok(match self.image_size {
                Some(side) => recipe.with_side(side),
                None => recipe,
            });
        }
        let mut given = Given::default();
        let paths: Vec<Value> =
            self.data.iter().map(|path| path.to_string_lossy().into()).collect();
        given.set("data", paths)?;
        given.set_some("method", self.method.map(MethodName::key))?;
        given.set_some("image_size", self.image_size)?;
        Ok(given.resolve(None)?.recipe)
    }

    /// Returns some of the training images. Only these are decoded, however many there are.
    fn images(&self, terminal: Terminal) -> anyhow::Result<Vec<DynamicImage>> {
        let images = self.count as usize;
        if self.data.is_empty() {
            let (size, seed, split) = (DRAWN, self.seed, Split::Train);
            let drawn = Synthetic::new(SyntheticConfig { images, size, seed, split });
            return self.spread(&drawn, terminal);
        }
        let splits = open_all(&self.data, &self.reading.folders(Vec::new()))?;
        let Splits { train, found, omitted, .. } = splits;
        terminal.note(format_args!("{} images for training: {found}", train.len()));
        omitted.to_string().lines().for_each(|line| {
            terminal.note(format_args!("  omitted {line}"));
        });
        let pixels = self.reading.pixels(&PixelOptions::default());
        let choice = pixels.inspect(train.as_ref(), INSPECTED)?;
        choice.message.iter().for_each(|message| terminal.note(format_args!("  {message}")));
        self.spread(Rescaled::where_needed(train, choice.options).as_ref(), terminal)
    }

    /// Returns images from all over the data set, one from each of as many equal parts.
    fn spread(
        &self,
        dataset: &dyn Dataset,
        terminal: Terminal,
    ) -> anyhow::Result<Vec<DynamicImage>> {
        let (length, count) = (dataset.len(), dataset.len().min(self.count as usize));
        let mut images = Vec::new();
        for part in 0..count {
            let (start, end) = (part * length / count, (part + 1) * length / count);
            for place in 0..(end - start).min(TRIED) {
                // Not the first of every part: classes may alternate in step with the parts.
                let index = start + (part + place) % (end - start);
                match dataset.image(index) {
                    Ok(image) => {
                        images.push(image);
                        break;
                    }
                    Err(error) if self.reading.strict => return Err(error.into()),
                    Err(error) => terminal.note(format_args!("  skipped {error}")),
                }
            }
        }
        ensure!(!images.is_empty(), "none of the images that were tried can be read");
        Ok(images)
    }
}
