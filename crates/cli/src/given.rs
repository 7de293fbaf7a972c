//! What the user has given of the settings, by file and by option, and the settings that follow.

use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, bail, ensure};
use selfsame::augment::{Recipe, ViewMaker};
use selfsame::models::{BackboneConfig, MethodName};
use selfsame::optim::OptimizerConfig;
use selfsame::train::Preset;
use serde_json::{Map, Value, json};

use crate::defaults::{Known, WIDTH, default_batch, fit_queue, ours};
use crate::named::{method as method_named, model, recipe as read_recipe};
use crate::near::near;
use crate::settings::{DataSettings, Settings};

/// Side of a view of a photograph, in pixels.
const SIDE: u32 = 32;
/// Learning rate of transformers in batches of 256: that of DINO.
const TRANSFORMER_RATE: f64 = 5e-4;
/// Steps that a default run has at least, if that takes no more than `MOST_EPOCHS`.
const STEPS: u64 = 600;
const MOST_EPOCHS: u64 = 100;
/// Settings that stand for others.
const SHORT: [&str; 6] = ["preset", "model", "width", "image_size", "quick", "weight_decay"];

/// Settings that the user has given, as a tree of JSON; all others have their defaults.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given(Map<String, Value>);

impl Given {
    /// Reads a file of settings: TOML, or JSON as in the folder of a run.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("cannot read {}", path.display()))?;
        let is_json = path.extension().is_some_and(|ending| ending == "json");
        let read = if is_json {
            serde_json::from_str(&text).map_err(anyhow::Error::from)
        } else {
            toml::from_str(&text).map_err(anyhow::Error::from)
        };
        let read: Map<String, Value> =
            read.with_context(|| format!("{} holds no settings", path.display()))?;
        let mut given = Self::default();
        // Short ones first: what they stand for may be changed in part.
        let (short, long): (Vec<_>, Vec<_>) =
            read.into_iter().partition(|(name, _)| SHORT.contains(&name.as_str()));
        short.into_iter().chain(long).try_for_each(|(name, value)| given.set(&name, value))?;
        Ok(given)
    }

    /// Gives a setting by its path, such as `method.temperature`; it replaces what was given before.
    pub(crate) fn set(&mut self, path: &str, value: impl Into<Value>) -> anyhow::Result<()> {
        let value = value.into();
        match path {
            "weight_decay" => return self.set("optimizer.weight_decay", value),
            // The numbers of another method are of no use.
            "method.name" if self.is_other_method(&value) => {
                self.0.insert("method".to_owned(), json!({ "name": value }));
                return Ok(());
            }
            // All of the encoder.
            "model" => {
                self.0.remove("backbone");
            }
            _ => {}
        }
        let mut tree = &mut self.0;
        let mut names = path.split('.').peekable();
        let first = names.peek().copied().unwrap_or_default().to_owned();
        while let Some(name) = names.next() {
            ensure!(!name.is_empty(), "`{path}` names no setting");
            if names.peek().is_none() {
                let value = if name == path { in_full(path, value) } else { value };
                tree.insert(name.to_owned(), value);
                return Ok(());
            }
            let branch = tree.entry(name).or_insert_with(|| json!({}));
            if let (true, Value::String(text)) = (first == "recipe", &*branch) {
                *branch = serde_json::to_value(read_recipe(text)?)?;
            }
            tree = branch.as_object_mut().with_context(|| {
                format!("`{path}` names no setting, since `{name}` has no parts")
            })?;
        }
        Ok(())
    }

    /// Whether another method than this one was given, or by default.
    fn is_other_method(&self, name: &Value) -> bool {
        let key = |name: &Value| {
            let name = name.as_str().unwrap_or(MethodName::SimClr.key());
            name.to_lowercase().replace(['-', '_'], "")
        };
        self.0.get("method").is_some_and(|given| key(&given["name"]) != key(name))
    }

    /// Gives a setting if there is a value.
    pub(crate) fn set_some(
        &mut self,
        path: &str,
        value: Option<impl Into<Value>>,
    ) -> anyhow::Result<()> {
        value.map_or(Ok(()), |value| self.set(path, value))
    }

    /// Gives a setting as `KEY=VALUE`, the value as in TOML; what is no value of TOML is text.
    pub(crate) fn assign(&mut self, assignment: &str) -> anyhow::Result<()> {
        let (key, text) = assignment.split_once('=').with_context(|| {
            format!("`--set {assignment}` gives no value; write --set KEY=VALUE")
        })?;
        ensure!(
            text.trim().parse::<f64>().map_or(true, f64::is_finite),
            "`{key}` must be finite, not {}",
            text.trim()
        );
        let parsed: Result<Map<String, Value>, _> = toml::from_str(&format!("value = {text}"));
        let value = parsed.ok().and_then(|mut parsed| parsed.remove("value"));
        self.set(key.trim(), value.unwrap_or_else(|| text.trim().into()))
    }

    /// Returns the settings: what was given, and defaults that suit it and the images, as far as
    /// they are known.
    pub(crate) fn resolve(&self, known: Option<Known>) -> anyhow::Result<Settings> {
        let mut given = self.clone();
        let mut tree = serde_json::to_value(given.take_defaults(known)?)?;
        for short in SHORT {
            given.0.remove(short);
        }
        merge(&mut tree, Value::Object(given.0), "")?;
        let mut settings: Settings = serde_path_to_error::deserialize(tree)
            .map_err(|error| anyhow!("`{}`: {}", error.path(), in_plain_words(error.inner())))?;
        for path in settings.data.paths.iter_mut().chain(settings.init.as_mut()) {
            *path = absolute(path)?;
        }
        settings.validate()?;
        Ok(settings)
    }

    /// Takes the recipe if all of it is given, by name or in parts: in the size that is given, and
    /// for one by name with the normalization that fits the images.
    fn take_recipe(&mut self, usual: &Recipe, known: Option<Known>) -> anyhow::Result<Recipe> {
        let has_own_normalization = self.get("recipe.normalize").is_some();
        let mut recipe = match self.0.get("recipe") {
            Some(Value::String(name)) => read_recipe(name)?,
            Some(tree) if tree.get("views").is_some() => {
                serde_json::from_value(tree.clone()).context("`recipe`")?
            }
            _ => usual.clone(),
        };
        if self.0.get("recipe").is_some_and(|it| it.is_string() || it.get("views").is_some()) {
            self.0.remove("recipe");
        }
        recipe.validate()?;
        if let Some(side) = self.number("image_size")? {
            ensure!(
                (8..=1024).contains(&side),
                "`image_size` must be 8 to 1024 pixels, not {side}"
            );
            recipe = recipe.with_side(u32::try_from(side).unwrap_or(SIDE));
        }
        if let (Some(normalize), false) =
            (known.and_then(|known| known.normalize), has_own_normalization)
        {
            recipe = recipe.with_normalize(normalize);
        }
        Ok(recipe)
    }

    /// Takes the encoder if all of it is given, by name or in parts: for images of `side` pixels, in
    /// the width that is given.
    fn take_backbone(
        &mut self,
        usual: BackboneConfig,
        side: usize,
    ) -> anyhow::Result<BackboneConfig> {
        let width = self.number("width")?;
        let whole = self.get("backbone.family").is_some().then(|| self.0.remove("backbone"));
        let config = match (whole.flatten(), self.text("model")?) {
            (Some(tree), None) => {
                let config: BackboneConfig = serde_json::from_value(tree).context("`backbone`")?;
                if self.get("image_size").is_some() { config.for_images(side) } else { config }
            }
            (_, Some(name)) => model(name)?.for_images(side),
            (None, None) => usual.for_images(side),
        };
        Ok(width.map_or(config.clone(), |width| config.with_width(width)))
    }

    fn get(&self, path: &str) -> Option<&Value> {
        let mut names = path.split('.');
        let first = self.0.get(names.next()?)?;
        names.try_fold(first, |tree, name| tree.get(name)).filter(|value| !value.is_null())
    }

    fn number(&self, name: &str) -> anyhow::Result<Option<usize>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = value.as_u64().and_then(|number| usize::try_from(number).ok());
        number
            .filter(|number| *number > 0)
            .map(Some)
            .with_context(|| format!("`{name}` must be a whole number above 0, not {value}"))
    }

    fn text(&self, name: &str) -> anyhow::Result<Option<&str>> {
        let Some(value) = self.get(name) else { return Ok(None) };
        value.as_str().map(Some).with_context(|| format!("`{name}` must be text, not {value}"))
    }

    /// Returns the settings if nothing more were given than what defaults depend on, and takes what
    /// is in them.
    fn take_defaults(&mut self, known: Option<Known>) -> anyhow::Result<Settings> {
        let is_laptop = self.text("preset")? == Some("laptop");
        let usual = if is_laptop { Preset::laptop().method.name() } else { MethodName::SimClr };
        let name = self.text("method.name")?.map_or(Ok(usual), method_named)?;
        if self.get("method.name").is_some() {
            self.set("method.name", name.key())?; // as it is written in files
        }
        let is_drawn = self.get("data.paths").and_then(Value::as_array).is_none_or(Vec::is_empty);
        let quick = self.get("quick").is_some_and(|quick| quick == true);
        let published =
            self.text("preset")?.map(|preset| named_preset(preset, name)).transpose()?;
        let base = published.clone().unwrap_or_else(|| ours(name, is_drawn));
        let recipe = self.take_recipe(&base.recipe, known)?;
        let side = recipe.view_dims(0)[1];
        let batch_size = match self.number("batch_size")? {
            Some(given) => given,
            None => default_batch(base.batch_size, quick, known),
        };
        let usual = match (&base.backbone, quick || published.is_some()) {
            (BackboneConfig::ResNet(_), false) => base.backbone.clone().with_width(WIDTH),
            _ => base.backbone.clone(),
        };
        let backbone = self.take_backbone(usual, side)?;
        let recipe = match &backbone {
            BackboneConfig::Vit(vit) if vit.patch > 0 => recipe.for_patches(vit.patch),
            _ => recipe,
        };
        // Transformers are not trained by SGD.
        let by_sgd = matches!(base.optimizer, OptimizerConfig::Sgd { .. });
        let is_transformer =
            matches!(backbone, BackboneConfig::Vit(_) | BackboneConfig::ConvNext(_));
        let base = if published.is_none() && by_sgd && is_transformer {
            let optimizer = OptimizerConfig::adam_w(0.05);
            Preset { optimizer, rate: TRANSFORMER_RATE, batch_size: 256, ..base }
        } else {
            base
        };
        let mut method = base.method.clone();
        if published.is_none() {
            fit_queue(&mut method, batch_size, known);
        }
        let steps = known.map(|known| (known.images / batch_size.max(1)).max(1) as u64);
        let limit = match (is_drawn, quick) {
            (_, true) => Some(1_000),
            (true, false) => Some(6_000),
            (false, false) => None,
        };
        let usual_epochs = match (quick, is_drawn) {
            (true, true) => 10,
            (true, false) => 3,
            _ if published.is_some() || is_drawn => base.epochs,
            // Small data need more passes for as many steps.
            _ => steps
                .map_or(base.epochs, |steps| STEPS.div_ceil(steps).clamp(base.epochs, MOST_EPOCHS)),
        };
        let epochs = match self.number("epochs")? {
            Some(given) => given as u64,
            None => usual_epochs,
        };
        // As long as published or, in a shorter run, as long in proportion.
        let warmup_epochs = if is_laptop {
            base.warmup_epochs.min(epochs / 2)
        } else if published.is_some() {
            base.warmup_epochs * epochs.min(base.epochs) / base.epochs.max(1)
        } else {
            base.warmup_epochs
        };
        Ok(Settings {
            data: DataSettings {
                limit,
                test_limit: match (is_drawn, quick) {
                    (true, true) => 400,
                    (true, false) => 1_500,
                    (false, _) if is_laptop => 10_000,
                    (false, _) => 2_000,
                },
                ..DataSettings::default()
            },
            seed: 0,
            epochs,
            batch_size,
            learning_rate: base.rate_for(batch_size),
            last_learning_rate: base.last_rate * batch_size as f64 / base.batch_size as f64,
            warmup_epochs,
            clip_norm: base.clip_norm,
            init: None,
            method,
            backbone,
            optimizer: base.optimizer,
            recipe,
        })
    }
}

/// Returns the preset of this name, for a method.
fn named_preset(preset: &str, method: MethodName) -> anyhow::Result<Preset> {
    match preset {
        "cifar10" => Ok(Preset::cifar10(method)),
        "imagenet" => Ok(Preset::imagenet(method)),
        "shapes" => Ok(Preset::shapes(method)),
        "laptop" => {
            let laptop = Preset::laptop();
            let own = laptop.method.name();
            ensure!(
                method == own,
                "the preset `laptop` is a recipe of {}; omit --method, or choose another preset",
                own.title()
            );
            Ok(laptop)
        }
        other => {
            bail!("there is no preset `{other}`; there are laptop, cifar10, imagenet and shapes")
        }
    }
}

/// Writes out a setting that may be given in short: a method by its name, images by their path.
fn in_full(name: &str, value: Value) -> Value {
    match (name, value) {
        ("method", Value::String(name)) => json!({ "name": name }),
        ("data", path @ Value::String(_)) => json!({ "paths": [path] }),
        ("data", paths @ Value::Array(_)) => json!({ "paths": paths }),
        (_, value) => value,
    }
}

/// Returns the settings of another optimizer, those left out as usual.
fn other_optimizer(given: &Value) -> Option<Value> {
    let usual = [
        OptimizerConfig::sgd(0.9, 0.0),
        OptimizerConfig::lars(0.0),
        OptimizerConfig::adam(0.0),
        OptimizerConfig::adam_w(0.0),
    ];
    let trees = usual.iter().filter_map(|usual| serde_json::to_value(usual).ok());
    trees.into_iter().find(|tree| tree["name"] == given["name"])
}

/// Puts given settings into a tree that has all of them.
fn merge(tree: &mut Value, given: Value, path: &str) -> anyhow::Result<()> {
    let (Value::Object(all), Value::Object(some)) = (&*tree, &given) else {
        *tree = given;
        return Ok(());
    };
    // Of another kind, such as another optimizer: its parts are other ones, and have defaults of
    // their own.
    let is_other = |tag| some.get(tag).is_some_and(|kind| all.get(tag) != Some(kind));
    if !path.is_empty() && path != "recipe" && ["name", "family"].into_iter().any(is_other) {
        let usual = (path == "optimizer").then(|| other_optimizer(&given)).flatten();
        let Some(usual) = usual else {
            *tree = given;
            return Ok(());
        };
        *tree = usual;
        return merge(tree, given, path);
    }
    let (Value::Object(all), Value::Object(some)) = (tree, given) else { return Ok(()) };
    for (name, value) in some {
        let here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if let Some(old) = all.get_mut(&name) {
            merge(old, value, &here)?;
            continue;
        }
        let mut known: Vec<&str> = all.keys().map(String::as_str).collect();
        if path.is_empty() {
            known.extend(SHORT);
        }
        let hint = match near(&name, known.iter().copied()) {
            Some(near) if path.is_empty() => format!("did you mean `{near}`?"),
            Some(near) => format!("did you mean `{path}.{near}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        bail!("there is no setting `{here}`; {hint}");
    }
    Ok(())
}

/// Returns what serde says of a wrong value, without the types of Rust.
fn in_plain_words(error: &serde_json::Error) -> String {
    let mut text = error.to_string();
    for (rust, plain) in [
        ("usize", "a whole number, 0 or more"),
        ("u64", "a whole number, 0 or more"),
        ("u32", "a whole number, 0 or more"),
        ("f64", "a number"),
        ("f32", "a number"),
        ("a boolean", "true or false"),
        ("invalid type: ", "it cannot be "),
        ("unknown variant", "there is no"),
    ] {
        text = text.replace(rust, plain);
    }
    text
}

/// Returns a path that means the same from any folder.
pub(crate) fn absolute(path: &Path) -> anyhow::Result<PathBuf> {
    let path =
        std::path::absolute(path).with_context(|| format!("cannot find {}", path.display()))?;
    ensure!(
        path.to_str().is_some(),
        "the path {} is not UTF-8, which settings cannot hold; rename the folder, or link to it",
        path.display()
    );
    Ok(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use selfsame::augment::Normalize;
    use selfsame::models::MethodConfig;

    fn given(assignments: &[&str]) -> Given {
        let mut given = Given::default();
        for assignment in assignments {
            given.assign(assignment).unwrap();
        }
        given
    }

    fn refused(assignments: &[&str]) -> String {
        format!("{:#}", given(assignments).resolve(None).unwrap_err())
    }

    #[test]
    fn every_setting_can_be_given_and_an_unknown_one_is_named() {
        let settings = given(&[
            "method=moco_v2",
            "method.temperature=0.3",
            "optimizer.weight_decay=1e-3",
            "backbone.width=4",
            "seed=7",
        ]);
        let settings = settings.resolve(None).unwrap();
        let MethodConfig::MocoV2(method) = &settings.method else { panic!("{settings:?}") };
        assert_eq!((method.temperature, settings.seed), (0.3, 7));
        let BackboneConfig::ResNet(network) = &settings.backbone else { panic!() };
        assert_eq!(network.width, 4);
        for (wrong, said) in [
            ("sede=3", "did you mean `seed`?"),
            ("method.d_hidden2=3", "did you mean `method.d_hidden`?"),
            ("method=simclear", "simclr"),
            ("seed=many", "seed"),
            ("seed.of=3", "seed"),
            ("epochs=0", "epochs"),
            ("model=resnet19", "did you mean `resnet1"),
            ("preset=cifar", "cifar10"),
            ("image_size=2", "8 to 1024"),
            ("recipe=simclr_cifr", "did you mean `simclr_cifar`?"),
        ] {
            let error = refused(&[wrong]);
            assert!(error.contains(said), "{wrong}: {error}");
        }
    }

    #[test]
    fn another_kind_has_its_own_defaults() {
        let settings = given(&["optimizer.name=adam_w", "optimizer.weight_decay=0.3"]);
        let optimizer = settings.resolve(None).unwrap().optimizer;
        assert!(matches!(optimizer, OptimizerConfig::AdamW { weight_decay: 0.3, .. }));
        let settings = given(&["backbone={ family = \"convnext\" }", "data.paths=[\"x\"]"]);
        let backbone = settings.resolve(None).unwrap().backbone;
        assert!(matches!(backbone, BackboneConfig::ConvNext(_)));
    }

    #[test]
    fn later_ones_win_and_short_ones_stand_for_whole_ones() {
        let mut all = given(&["method=byol", "model=resnet50"]);
        let Value::Object(tree) = serde_json::to_value(all.resolve(None).unwrap()).unwrap() else {
            panic!("settings are a tree")
        };
        all = Given(tree);
        for (path, value) in
            [("method.name", json!("moco_v2")), ("model", json!("vit_tiny")), ("width", json!(64))]
        {
            all.set(path, value).unwrap();
        }
        all.set("image_size", 48).unwrap();
        all.set("weight_decay", 0.5).unwrap();
        all.assign("optimizer.weight_decay=0.25").unwrap();
        let settings = all.resolve(None).unwrap();
        assert_eq!(settings.method.name(), MethodName::MocoV2);
        let BackboneConfig::Vit(vit) = &settings.backbone else { panic!("{settings:?}") };
        assert_eq!((vit.dim, vit.image, settings.side()), (64, 48, 48));
        let json = serde_json::to_string(&settings.optimizer).unwrap();
        assert!(json.contains("0.25"), "{json}");

        let mut named = given(&["recipe=simclr_imagenet", "data=photos", "image_size=64"]);
        named.set("data.limit", 10).unwrap();
        let known = Known { images: 10, normalize: Some(Normalize::NONE) };
        let settings = named.resolve(Some(known)).unwrap();
        assert_eq!((settings.side(), settings.recipe.normalize), (64, Normalize::NONE));
        assert_eq!((settings.data.paths.len(), settings.data.limit), (1, Some(10)));
        named.assign("recipe.name=mine").unwrap();
        assert_eq!(named.resolve(None).unwrap().recipe.name, "mine");
    }

    #[test]
    fn what_is_written_is_read_back() {
        for method in MethodName::ALL {
            for data in [&[][..], &["data=[\"/x\"]"]] {
                let name = format!("method={method}");
                let all: Vec<&str> = data.iter().copied().chain([name.as_str()]).collect();
                let settings = given(&all).resolve(None).unwrap();
                let Value::Object(tree) = serde_json::to_value(&settings).unwrap() else {
                    panic!("{settings:?}")
                };
                let known = Known { images: 50, normalize: Some(Normalize::NONE) };
                assert_eq!(Given(tree).resolve(Some(known)).unwrap(), settings, "{method}");
            }
        }
    }

    #[test]
    fn published_recipes_are_kept() {
        let settings = given(&["method=byol", "preset=imagenet"]).resolve(None).unwrap();
        let preset = Preset::imagenet(MethodName::Byol);
        assert_eq!((settings.epochs, settings.batch_size), (preset.epochs, preset.batch_size));
        assert_eq!(settings.recipe, preset.recipe);
        assert_eq!(settings.backbone, preset.backbone);
        let half = given(&["preset=imagenet", "batch_size=128", "image_size=64"]);
        let half = half.resolve(None).unwrap();
        let preset = Preset::imagenet(MethodName::SimClr);
        assert!((half.learning_rate - preset.rate_for(128)).abs() < 1e-12);
        assert_eq!(half.side(), 64);
    }

    #[test]
    fn the_preset_of_a_laptop_has_its_method_and_shows_whole_images() {
        let settings = given(&["preset=laptop", "epochs=20", "data=cifar"]).resolve(None).unwrap();
        assert_eq!(settings.method, Preset::laptop().method);
        assert_eq!((settings.warmup_epochs, settings.data.test_limit), (1, 10_000));
        assert_eq!((settings.side(), settings.read_side()), (16, 32));
        let large = given(&["preset=laptop", "image_size=64"]).resolve(None).unwrap();
        assert_eq!((large.side(), large.read_side()), (64, 128));
        assert!(refused(&["preset=laptop", "method=byol"]).contains("a recipe of EMP-SSL"));
    }

    #[test]
    fn few_images_have_small_batches_and_more_epochs() {
        let settings = given(&["data=photos"]);
        let of = |images| settings.resolve(Some(Known { images, normalize: None })).unwrap();
        assert_eq!([2, 48, 200, 5_000].map(|images| of(images).batch_size), [2, 8, 32, 256]);
        assert_eq!([48, 200, 5_000, 50_000].map(|images| of(images).epochs), [100, 100, 32, 12]);
        assert_eq!(settings.resolve(None).unwrap().batch_size, 256);
    }
}
