//! Methods, encoders and recipes by name, with the name that was probably meant in the error.

use std::path::Path;

use anyhow::Context;
use selfsame::augment::{Recipe, ViewMaker};
use selfsame::models::{BACKBONES, BackboneConfig, MethodName, backbone};

use crate::near::near;
use crate::usage::Usage;

/// Returns the method of this name.
pub(crate) fn method(name: &str) -> anyhow::Result<MethodName> {
    let keys = MethodName::ALL.iter().map(|method| method.key());
    name.parse().map_err(|error| unknown("method", "methods", name, keys, error))
}

/// Returns the encoder of this name, as published.
pub(crate) fn model(name: &str) -> anyhow::Result<BackboneConfig> {
    let names = BACKBONES.iter().map(|(name, _)| *name);
    backbone(name).map_err(|error| unknown("encoder", "models", name, names, error))
}

/// Returns the recipe of this name, or that in a file of TOML or JSON.
pub(crate) fn recipe(name: &str) -> anyhow::Result<Recipe> {
    let path = Path::new(name);
    let ending = path.extension().and_then(|ending| ending.to_str());
    let Some(ending @ ("toml" | "json")) = ending else {
        let all = Recipe::all();
        let names = all.iter().map(|recipe| recipe.name.as_str());
        return Recipe::by_name(name)
            .map_err(|error| unknown("recipe", "recipes", name, names, error));
    };
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {name}"))?;
    let read: anyhow::Result<Recipe> = if ending == "toml" {
        toml::from_str(&text).map_err(Into::into)
    } else {
        serde_json::from_str(&text).map_err(Into::into)
    };
    let recipe = read.with_context(|| format!("{name} holds no recipe"))?;
    recipe.validate()?;
    Ok(recipe)
}

/// Returns the error that names what was probably meant, or else all there are.
fn unknown<'a>(
    kind: &str,
    list: &str,
    name: &str,
    names: impl Iterator<Item = &'a str>,
    error: impl std::error::Error + Send + Sync + 'static,
) -> anyhow::Error {
    let text = match near(name, names) {
        Some(near) => format!(
            "no {kind} is called `{name}`; did you mean `{near}`? `selfsame {list}` lists all"
        ),
        None => error.to_string(),
    };
    Usage(text).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_in_a_name_is_named_and_another_word_gets_the_list() {
        assert!(method("Barlow-Twins").is_ok());
        assert!(method("simclear").unwrap_err().to_string().contains("did you mean `simclr`?"));
        assert!(method("magic").unwrap_err().to_string().contains("vicreg"));
    }
}
