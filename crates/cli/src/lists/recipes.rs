//! `selfsame recipes`: the recipes of views, or one of them.

use clap::Args;
use selfsame::augment::{Recipe, ViewMaker};
use serde_json::json;

use super::print;
use crate::named::recipe as read_recipe;
use crate::terminal::Terminal;

#[derive(Debug, Args)]
pub(crate) struct Recipes {
    /// Recipe to show as TOML, which --recipe FILE.toml reads [default: a list of all]
    #[arg(value_name = "NAME")]
    name: Option<String>,
}

impl Recipes {
    pub(crate) fn run(self, terminal: Terminal) -> anyhow::Result<()> {
        if let Some(name) = &self.name {
            let recipe = read_recipe(name)?;
            if terminal.json {
                return terminal.json(&recipe);
            }
            return terminal.result(to_toml(&recipe)?.trim_end());
        }
        let all = Recipe::all();
        if terminal.json {
            let row = |recipe: &Recipe| {
                let Recipe { name, source, .. } = recipe;
                json!({ "name": name, "sizes": sides(recipe), "source": source })
            };
            return terminal.json(&all.iter().map(row).collect::<Vec<_>>());
        }
        let row = |recipe: &Recipe| {
            let mut sides = sides(recipe);
            sides.dedup();
            let sides: Vec<String> = sides.iter().map(usize::to_string).collect();
            let views = recipe.view_count().to_string();
            [recipe.name.clone(), views, sides.join(", "), recipe.source.clone()]
        };
        let header = ["recipe", "views", "pixels", "source"].map(str::to_owned);
        print(terminal, header, all.iter().map(row))
    }
}

/// Returns a recipe as TOML, with a line for every operator.
fn to_toml(recipe: &Recipe) -> anyhow::Result<String> {
    let text = toml::to_string(recipe)?;
    let text = text.replacen("views = [[", "views = [\n  [\n    ", 1);
    let text = text.replace("}, { op = ", "},\n    { op = ");
    let text = text.replace("}], [{ op = ", "},\n  ],\n  [\n    { op = ");
    Ok(text.replacen("}]]\n", "},\n  ],\n]\n", 1))
}

/// Returns the side of every view, in pixels.
fn sides(recipe: &Recipe) -> Vec<usize> {
    (0..recipe.view_count()).map(|view| recipe.view_dims(view)[1]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recipe_is_read_back_from_its_toml() {
        for recipe in Recipe::all() {
            let text = toml::to_string_pretty(&recipe).unwrap();
            assert_eq!(toml::from_str::<Recipe>(&text).unwrap(), recipe, "{text}");
        }
    }
}
