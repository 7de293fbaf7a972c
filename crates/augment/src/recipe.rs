//! Which operators make which view.

use std::fmt;

use image::DynamicImage;
use rand::Rng;
use serde::{Deserialize, Serialize};

use crate::resize::Resizer;
use crate::{CropBox, Normalize, Operator, Picture, Plan, Resampling, ViewKey};

/// How the views of a picture are made: for each view a list of operators, then normalisation.
///
/// # Example
/// ```
/// use selfsame_augment::Recipe;
///
/// let recipe = Recipe::simclr_cifar();
/// assert_eq!((recipe.view_count(), recipe.view_dims(0)), (2, [3, 32, 32]));
/// let text = serde_json::to_string(&recipe).unwrap();
/// assert_eq!(serde_json::from_str::<Recipe>(&text).unwrap(), recipe);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// A short name.
    pub name: String,
    /// Where the numbers come from.
    pub source: String,
    /// The operators of each view, in order; the first may see any picture, and one of each view
    /// must leave a square of fixed size.
    pub views: Vec<Vec<Operator>>,
    /// What is done last.
    pub normalize: Normalize,
}

/// A recipe that cannot be followed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// There is no view.
    #[error("recipe `{recipe}` makes no view; give `views` at least one list of operators")]
    NoView {
        /// The recipe's name.
        recipe: String,
    },
    /// A view's size depends on the picture, so views could not be batched.
    #[error(
        "view {view} of recipe `{recipe}` has no fixed size; add `random_resized_crop` or `center_crop`"
    )]
    NoSize {
        /// The recipe's name.
        recipe: String,
        /// The view, from 0.
        view: usize,
    },
    /// A parameter is out of its range.
    #[error("operator {operator} of view {view} of recipe `{recipe}`: {problem}")]
    Range {
        /// The recipe's name.
        recipe: String,
        /// The view, from 0.
        view: usize,
        /// The operator's place in it, from 0.
        operator: usize,
        /// What is wrong.
        problem: &'static str,
    },
    /// There is no recipe of this name.
    #[error("there is no recipe `{name}`; there are: {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// The names there are.
        known: String,
    },
}

/// Room for making views that is used again and again; one per thread.
#[derive(Clone, Debug, Default)]
pub struct Scratch {
    source: Picture,
    picture: Picture,
    pub(crate) spare: Picture,
    resizer: Resizer,
}

const SIMCLR: &str = "Chen et al., 2020, arXiv:2002.05709, appendix A and B.9";
const SIMSIAM: &str = "Chen & He, 2021, arXiv:2011.10566, appendix D";
const BARLOW: &str = "Zbontar et al., 2021, arXiv:2103.03230, with solo-learn's CIFAR-10 numbers";
const OURS: &str = "selfsame";

impl Recipe {
    /// SimCLR on CIFAR-10: crop, flip, jitter of half strength, gray; no blur.
    #[must_use]
    pub fn simclr_cifar() -> Self {
        let view = vec![crop(32, [0.2, 1.0]), FLIP, jitter(0.4, 0.4, 0.1), GRAY];
        Self::pair("simclr_cifar", SIMCLR, view)
    }

    /// SimSiam on CIFAR-10: as SimCLR, of MoCo v2's strengths; no blur.
    #[must_use]
    pub fn simsiam_cifar() -> Self {
        let view = vec![crop(32, [0.2, 1.0]), FLIP, jitter(0.4, 0.4, 0.1), GRAY];
        Self::pair("simsiam_cifar", SIMSIAM, view)
    }

    /// Barlow Twins on CIFAR-10: stronger light, and one view of two solarized at times.
    #[must_use]
    pub fn barlow_twins_cifar() -> Self {
        let common = || vec![crop(32, [0.2, 1.0]), FLIP, jitter(0.4, 0.2, 0.1), GRAY];
        let mut second = common();
        second.push(Operator::Solarize { threshold: 0.5, probability: 0.2 });
        let views = vec![common(), second];
        Self { views, ..Self::pair("barlow_twins_cifar", BARLOW, Vec::new()) }
    }

    /// Supervised training on small pictures: a mild crop and a flip.
    #[must_use]
    pub fn supervised_cifar() -> Self {
        let views = vec![vec![crop(32, [0.5, 1.0]), FLIP]];
        Self { views, ..Self::pair("supervised_cifar", OURS, Vec::new()) }
    }

    /// For [drawn shapes](https://docs.rs/selfsame-samplers) of `size` pixels: crop, flip, any turn,
    /// strong jitter, gray.
    #[must_use]
    pub fn shapes(size: u32) -> Self {
        let turn = Operator::Rotation { degrees: 180.0, probability: 1.0 };
        let view = vec![crop(size, [0.5, 1.0]), FLIP, turn, jitter(0.8, 0.8, 0.5), GRAY];
        Self { normalize: HALF, ..Self::pair("shapes", OURS, view) }
    }

    /// [`shapes`](Self::shapes) for training on labels: one view, mild.
    #[must_use]
    pub fn supervised_shapes(size: u32) -> Self {
        let turn = Operator::Rotation { degrees: 180.0, probability: 1.0 };
        let view = vec![crop(size, [0.7, 1.0]), FLIP, turn];
        Self { name: "supervised_shapes".to_owned(), views: vec![view], ..Self::shapes(size) }
    }

    /// A picture as it is: the shorter side resized to `size`, the square in the middle.
    #[must_use]
    pub fn evaluation(size: u32) -> Self {
        let resize = Operator::Resize { size, resampling: Resampling::default() };
        let views = vec![vec![resize, Operator::CenterCrop { size }]];
        Self { views, ..Self::pair("evaluation", "the usual", Vec::new()) }
    }

    fn pair(name: &str, source: &str, view: Vec<Operator>) -> Self {
        let (name, source) = (name.to_owned(), source.to_owned());
        Self { name, source, views: vec![view.clone(), view], normalize: Normalize::CIFAR }
    }

    /// The recipe with this name and default sizes.
    ///
    /// # Errors
    /// If there is none; the error lists the names.
    pub fn by_name(name: &str) -> Result<Self, RecipeError> {
        let all = [
            Self::simclr_cifar(),
            Self::simsiam_cifar(),
            Self::barlow_twins_cifar(),
            Self::supervised_cifar(),
            Self::shapes(32),
            Self::supervised_shapes(32),
            Self::evaluation(32),
        ];
        let known: Vec<String> = all.iter().map(|recipe| recipe.name.clone()).collect();
        all.into_iter().find(|recipe| recipe.name == name).ok_or_else(|| RecipeError::Unknown {
            name: name.to_owned(),
            known: known.join(", "),
        })
    }

    /// The same with another normalisation.
    #[must_use]
    pub fn with_normalize(self, normalize: Normalize) -> Self {
        Self { normalize, ..self }
    }

    /// Number of views of a picture.
    #[must_use]
    pub fn view_count(&self) -> usize {
        self.views.len()
    }

    /// `[channels, height, width]` of a view.
    ///
    /// # Panics
    /// If there is no such view, or it has no fixed size, which [`validate`](Self::validate) finds.
    #[must_use]
    #[track_caller]
    pub fn view_dims(&self, view: usize) -> [usize; 3] {
        let side = self.views[view].iter().rev().find_map(Operator::side);
        let Some(side) = side else { panic!("view {view} of `{}` has no fixed size", self.name) };
        [3, side, side]
    }

    /// # Errors
    /// If there is no view, a view has no fixed size, or a parameter is out of its range.
    pub fn validate(&self) -> Result<(), RecipeError> {
        let recipe = self.name.clone();
        if self.views.is_empty() {
            return Err(RecipeError::NoView { recipe });
        }
        for (view, operators) in self.views.iter().enumerate() {
            if !operators.iter().any(|operator| operator.side().is_some()) {
                return Err(RecipeError::NoSize { recipe, view });
            }
            for (operator, problem) in operators.iter().map(Operator::problem).enumerate() {
                if let Some(problem) = problem {
                    return Err(RecipeError::Range { recipe, view, operator, problem });
                }
            }
        }
        Ok(())
    }

    /// Makes one view of `picture`: red, green and blue planes, normalised, into `out`.
    ///
    /// Nothing is allocated once `scratch` has made a view of this size. Cutting, resizing and a
    /// flip that follows are one pass over the part that is cut; eight-bit pictures are read as they
    /// are.
    ///
    /// # Panics
    /// If `out` does not hold [`view_dims`](Self::view_dims) numbers, or the recipe does not
    /// [`validate`](Self::validate).
    pub fn write_view(
        &self,
        picture: &DynamicImage,
        key: ViewKey,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) {
        let mut rng = key.rng();
        let operators = &self.views[key.view as usize];
        self.make(operators, picture, &mut rng, scratch);
        self.normalize.write(&scratch.picture, out);
    }

    fn make(
        &self,
        operators: &[Operator],
        image: &DynamicImage,
        rng: &mut impl Rng,
        scratch: &mut Scratch,
    ) {
        let mut size = [image.height() as usize, image.width() as usize];
        let mut at = 0;
        // Crops that come first are read straight from the image.
        if let Some(operator) = operators.first() {
            if let Plan::Crop { part, size: new, resampling } = operator.draw(size, rng) {
                at = 1;
                let flip = operators.get(1).and_then(|operator| match operator {
                    Operator::HorizontalFlip { .. } => Some(operator.draw(new, rng)),
                    _ => None,
                });
                at += usize::from(flip.is_some());
                scratch.source.load(image, part);
                let flip = flip == Some(Plan::HorizontalFlip);
                let Scratch { source, picture, resizer, .. } = scratch;
                if new == [part.height, part.width] {
                    std::mem::swap(source, picture);
                    if flip {
                        crate::horizontal_flip(picture);
                    }
                } else {
                    resizer.resize(source, new, flip, resampling, picture);
                }
                size = new;
            }
        }
        if at == 0 {
            let whole = CropBox::centre(size, size);
            scratch.picture.load(image, whole);
        }
        for operator in &operators[at..] {
            let plan = operator.draw(size, rng);
            let mut picture = std::mem::take(&mut scratch.picture);
            plan.apply(&mut picture, scratch);
            size = [picture.height, picture.width];
            scratch.picture = picture;
        }
    }
}

const FLIP: Operator = Operator::HorizontalFlip { probability: 0.5 };
const GRAY: Operator = Operator::Grayscale { probability: 0.2 };
/// Pixels from −1 to 1.
const HALF: Normalize = Normalize { mean: [0.5; 3], std: [0.5; 3] };

fn crop(size: u32, area: [f64; 2]) -> Operator {
    let aspect = [0.75, 4.0 / 3.0];
    Operator::RandomResizedCrop { size, area, aspect, resampling: Resampling::default() }
}

fn jitter(light: f64, saturation: f64, hue: f64) -> Operator {
    let (brightness, contrast) = (light, light);
    Operator::ColorJitter { brightness, contrast, saturation, hue, probability: 0.8 }
}

impl fmt::Display for Recipe {
    /// The recipe for people: a line per operator.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.name, self.source)?;
        for (view, operators) in self.views.iter().enumerate() {
            let before = self.views[..view].iter().position(|other| other == operators);
            if let Some(same) = before {
                writeln!(f, "view {view}: as view {same}")?;
                continue;
            }
            writeln!(f, "view {view}:")?;
            for operator in operators {
                writeln!(f, "  {operator:?}")?;
            }
        }
        write!(f, "normalised by mean {:?} and std {:?}", self.normalize.mean, self.normalize.std)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{ImageBuffer, Rgb};

    fn image() -> DynamicImage {
        ImageBuffer::from_fn(41, 29, |x, y| Rgb([(x * 6) as u8, (y * 8) as u8, ((x * y) % 251) as u8])).into()
    }

    fn key(picture: u64, view: u32) -> ViewKey {
        ViewKey { seed: 1, epoch: 2, picture, view }
    }

    /// The operators one by one, as their pure functions have it.
    fn slowly(recipe: &Recipe, image: &DynamicImage, key: ViewKey) -> Vec<f32> {
        let mut picture = Picture::from_image(image);
        let mut rng = key.rng();
        for operator in &recipe.views[key.view as usize] {
            let plan = operator.draw([picture.height, picture.width], &mut rng);
            plan.apply(&mut picture, &mut Scratch::default());
        }
        let mut out = vec![0.0; picture.data.len()];
        recipe.normalize.write(&picture, &mut out);
        out
    }

    #[test]
    fn the_fast_way_makes_the_view_the_operators_make() {
        let mut scratch = Scratch::default();
        for name in ["simclr_cifar", "barlow_twins_cifar", "shapes", "evaluation", "supervised_cifar"] {
            let recipe = Recipe::by_name(name).unwrap();
            recipe.validate().unwrap();
            for picture in 0..40 {
                for view in 0..recipe.view_count() {
                    let key = key(picture, view as u32);
                    let mut out = vec![f32::NAN; recipe.view_dims(view).iter().product()];
                    recipe.write_view(&image(), key, &mut scratch, &mut out);
                    let want = slowly(&recipe, &image(), key);
                    let worst = out.iter().zip(&want).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
                    assert!(out.len() == want.len() && worst < 1e-5, "{name} {key:?}: {worst}");
                }
            }
        }
    }

    #[test]
    fn views_differ_by_every_part_of_their_key() {
        let recipe = Recipe::simclr_cifar();
        let make = |key| {
            let mut out = vec![0.0; 3 * 32 * 32];
            recipe.write_view(&image(), key, &mut Scratch::default(), &mut out);
            out
        };
        let base = key(3, 0);
        assert_eq!(make(base), make(base));
        for other in [
            ViewKey { seed: 9, ..base },
            ViewKey { epoch: 9, ..base },
            ViewKey { picture: 9, ..base },
            ViewKey { view: 1, ..base },
        ] {
            assert_ne!(make(base), make(other), "{other:?}");
        }
    }

    #[test]
    fn the_evaluation_of_a_picture_of_the_right_size_is_the_picture() {
        let square: DynamicImage = ImageBuffer::from_fn(32, 32, |x, y| Rgb([x as u8, y as u8, 7])).into();
        let recipe = Recipe::evaluation(32).with_normalize(Normalize::NONE);
        let mut out = vec![0.0; 3 * 32 * 32];
        recipe.write_view(&square, key(0, 0), &mut Scratch::default(), &mut out);
        assert_eq!(out, Picture::from_image(&square).data);
    }

    #[test]
    fn what_cannot_be_followed_is_named() {
        let mut recipe = Recipe::simclr_cifar();
        recipe.views[1][0] = Operator::HorizontalFlip { probability: 0.5 };
        let error = recipe.validate().unwrap_err().to_string();
        assert!(error.contains("view 1") && error.contains("random_resized_crop"), "{error}");
        recipe.views[1][0] = crop(32, [0.9, 0.1]);
        assert!(recipe.validate().unwrap_err().to_string().contains("`area`"));
        recipe.views.clear();
        assert!(recipe.validate().is_err());
        assert!(Recipe::by_name("magic").unwrap_err().to_string().contains("simclr_cifar"));
        let text = serde_json::to_string(&Recipe::shapes(8)).unwrap().replace("\"size\"", "\"side\"");
        assert!(serde_json::from_str::<Recipe>(&text).is_err());
    }

    #[test]
    fn a_recipe_reads_as_text() {
        let text = Recipe::simclr_cifar().to_string();
        assert!(text.contains("2002.05709") && text.contains("RandomResizedCrop"), "{text}");
        assert!(text.contains("view 1: as view 0"), "{text}");
    }
}
