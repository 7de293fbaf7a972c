//! Published recipes.
//!
//! The table in the crate's README lists their names, parameters and sources.

use super::blocks::{FLIP, GRAY, HALF, OURS, blur, crop, jitter, large, small, solarize, with};
use super::{Recipe, RecipeError};
use crate::operator::{CenterCrop, RandomResizedCrop, Resize};
use crate::{Resampling, ViewMaker};

const SIMCLR: &str =
    "Chen et al., 2020, arXiv:2002.05709, appendix A; blur as in A, not on CIFAR (B.9)";
const MOCO: &str = "Chen et al., 2020, arXiv:2003.04297, order of the official code";
const SIMSIAM: &str = "Chen & He, 2021, arXiv:2011.10566, section 3 and appendix D";
const BYOL: &str = "Grill et al., 2020, arXiv:2006.07733, appendix B";
const BARLOW: &str = "Zbontar et al., 2021, arXiv:2103.03230, section 3.1";
const VICREG: &str = "Bardes et al., 2022, arXiv:2105.04906, appendix C";
const VICREG_CIFAR: &str =
    "Bardes et al., 2022, arXiv:2105.04906, with solo-learn's CIFAR-10 numbers";
const SWAV: &str = "Caron et al., 2020, arXiv:2006.09882, order of the official code";
const SWAV_CIFAR: &str = "Caron et al., 2020, arXiv:2006.09882, with solo-learn's CIFAR-10 numbers";
const DINO: &str = "Caron et al., 2021, arXiv:2104.14294, with the official code's numbers";
const DINO_CIFAR: &str = "Caron et al., 2021, arXiv:2104.14294, with lightly's CIFAR-10 numbers";
const FAST_SIAM: &str = "Pototzky et al., 2022, doi:10.1007/978-3-031-16788-1_4, SimSiam's views";
const EMP_SSL: &str = "Tong et al., 2023, arXiv:2304.03977, order of the official code";
const USUAL: &str = "the usual way";

/// Default number of views of FastSiam. Paper: 4.
const FAST_SIAM_VIEWS: usize = 4;
/// Default number of patches of EMP-SSL. Ours; the paper uses up to 200.
const EMP_SSL_PATCHES: usize = 20;

/// Recipes for CIFAR-10 and other images of 32 pixels.
impl Recipe {
    /// Returns SimCLR's recipe: crop, flip, jitter of half strength, gray; no blur.
    #[must_use]
    pub fn simclr_cifar() -> Self {
        Self::cifar("simclr_cifar", SIMCLR, vec![small([0.08, 1.0], 0.4, 0.4, 0.1); 2])
    }

    /// Returns SimSiam's recipe: as SimCLR, with larger parts; no blur.
    #[must_use]
    pub fn simsiam_cifar() -> Self {
        Self::cifar("simsiam_cifar", SIMSIAM, vec![small([0.2, 1.0], 0.4, 0.4, 0.1); 2])
    }

    /// Returns MoCo v2's recipe: the views of SimSiam, which adopted its parameters.
    #[must_use]
    pub fn moco_v2_cifar() -> Self {
        Self { name: "moco_v2_cifar".to_owned(), ..Self::simsiam_cifar() }
    }

    /// Returns BYOL's recipe: more brightness than saturation, one view solarized with probability
    /// 0.2; no blur.
    #[must_use]
    pub fn byol_cifar() -> Self {
        let common = small([0.08, 1.0], 0.4, 0.2, 0.1);
        let second = with(common.clone(), solarize(0.2));
        Self::cifar("byol_cifar", BYOL, vec![common, second])
    }

    /// Returns Barlow Twins' recipe: the views of BYOL.
    #[must_use]
    pub fn barlow_twins_cifar() -> Self {
        let name = "barlow_twins_cifar".to_owned();
        Self { name, source: BARLOW.to_owned(), ..Self::byol_cifar() }
    }

    /// Returns VICReg's recipe: both views solarized with probability 0.1; no blur.
    #[must_use]
    pub fn vicreg_cifar() -> Self {
        let view = with(small([0.2, 1.0], 0.4, 0.2, 0.1), solarize(0.1));
        Self::cifar("vicreg_cifar", VICREG_CIFAR, vec![view; 2])
    }

    /// Returns SwAV's recipe: two views of 32 pixels, the second solarized with probability 0.2,
    /// and six of 18 pixels.
    #[must_use]
    pub fn swav_cifar() -> Self {
        let colors = || vec![FLIP, jitter(0.6, 0.6, 0.2), GRAY];
        let global = [vec![crop(32, [0.2, 1.0])], colors()].concat();
        let ends = vec![blur(0.1), solarize(0.1)];
        let local = [vec![crop(18, [0.08, 0.5])], colors(), ends].concat();
        let mut views = vec![global.clone(), with(global, solarize(0.2))];
        views.resize(8, local);
        Self::cifar("swav_cifar", SWAV_CIFAR, views)
    }

    /// Returns DINO's recipe: two views, the second solarized with probability 0.2; images this
    /// small have no local views.
    #[must_use]
    pub fn dino_cifar() -> Self {
        let common = small([0.4, 1.0], 0.4, 0.2, 0.1);
        let second = with(common.clone(), solarize(0.2));
        Self::cifar("dino_cifar", DINO_CIFAR, vec![common, second])
    }

    /// Returns FastSiam's recipe: `views` views of SimSiam. Paper: 4.
    #[must_use]
    pub fn fast_siam_cifar(views: usize) -> Self {
        Self::simsiam_cifar().repeated("fast_siam_cifar", FAST_SIAM, views)
    }

    /// Returns EMP-SSL's: `patches` squares of a quarter of the image.
    #[must_use]
    pub fn emp_ssl_cifar(patches: usize) -> Self {
        let square = RandomResizedCrop {
            size: 32,
            area: [0.25; 2],
            aspect: [1.0; 2],
            resampling: Resampling::default(),
        }
        .into();
        let patch = vec![square, FLIP, jitter(0.4, 0.4, 0.2), GRAY, blur(0.1), solarize(0.1)];
        Self::cifar("emp_ssl_cifar", EMP_SSL, vec![patch; patches]).with_normalize(HALF)
    }

    /// Returns a recipe for supervised training on small images: a mild crop and a flip.
    #[must_use]
    pub fn supervised_cifar() -> Self {
        Self::cifar("supervised_cifar", OURS, vec![vec![crop(32, [0.5, 1.0]), FLIP]])
    }
}

/// Recipes for ImageNet and other photographs.
impl Recipe {
    /// Returns SimCLR's recipe: crop, flip, jitter of full strength, gray, blur with probability
    /// 0.5.
    #[must_use]
    pub fn simclr_imagenet() -> Self {
        let colors = [jitter(0.8, 0.8, 0.2), GRAY, blur(0.5)];
        let view = [vec![crop(224, [0.08, 1.0]), FLIP], colors.to_vec()].concat();
        Self::imagenet("simclr_imagenet", SIMCLR, vec![view; 2])
    }

    /// Returns MoCo v2's recipe: larger parts, half the jitter; the flip comes last.
    #[must_use]
    pub fn moco_v2_imagenet() -> Self {
        let view = vec![crop(224, [0.2, 1.0]), jitter(0.4, 0.4, 0.1), GRAY, blur(0.5), FLIP];
        Self::imagenet("moco_v2_imagenet", MOCO, vec![view; 2])
    }

    /// Returns SimSiam's recipe: the views of MoCo v2.
    #[must_use]
    pub fn simsiam_imagenet() -> Self {
        let name = "simsiam_imagenet".to_owned();
        Self { name, source: SIMSIAM.to_owned(), ..Self::moco_v2_imagenet() }
    }

    /// Returns BYOL's recipe: the first view always blurred, the second with probability 0.1, and
    /// solarized with probability 0.2.
    #[must_use]
    pub fn byol_imagenet() -> Self {
        let common = || large(224, [0.08, 1.0]);
        let first = with(common(), blur(1.0));
        let second = with(with(common(), blur(0.1)), solarize(0.2));
        Self::imagenet("byol_imagenet", BYOL, vec![first, second])
    }

    /// Returns Barlow Twins' recipe: the views of BYOL.
    #[must_use]
    pub fn barlow_twins_imagenet() -> Self {
        let name = "barlow_twins_imagenet".to_owned();
        Self { name, source: BARLOW.to_owned(), ..Self::byol_imagenet() }
    }

    /// Returns VICReg's recipe: the views of BYOL.
    #[must_use]
    pub fn vicreg_imagenet() -> Self {
        let name = "vicreg_imagenet".to_owned();
        Self { name, source: VICREG.to_owned(), ..Self::byol_imagenet() }
    }

    /// Returns SwAV's recipe: two views of 224 pixels and six of 96; the flip comes last.
    #[must_use]
    pub fn swav_imagenet() -> Self {
        let view = |first| vec![first, jitter(0.8, 0.8, 0.2), GRAY, blur(0.5), FLIP];
        let mut views = vec![view(crop(224, [0.14, 1.0])); 2];
        views.resize(8, view(crop(96, [0.05, 0.14])));
        Self::imagenet("swav_imagenet", SWAV, views)
    }

    /// Returns DINO's recipe: two views of 224 pixels as BYOL's, with larger parts, and eight of
    /// 96.
    #[must_use]
    pub fn dino_imagenet() -> Self {
        let global = || large(224, [0.4, 1.0]);
        let first = with(global(), blur(1.0));
        let second = with(with(global(), blur(0.1)), solarize(0.2));
        let mut views = vec![first, second];
        views.resize(10, with(large(96, [0.05, 0.4]), blur(0.5)));
        Self::imagenet("dino_imagenet", DINO, views)
    }

    /// Returns FastSiam's recipe: `views` views of SimSiam. Paper: 4.
    #[must_use]
    pub fn fast_siam_imagenet(views: usize) -> Self {
        Self::simsiam_imagenet().repeated("fast_siam_imagenet", FAST_SIAM, views)
    }

    /// Returns the center of a photograph: 224 pixels of a shorter side of 256.
    #[must_use]
    pub fn evaluation_imagenet() -> Self {
        let resize = Resize { size: 256, resampling: Resampling::default() };
        let view = vec![resize.into(), CenterCrop { size: 224 }.into()];
        Self::imagenet("evaluation_imagenet", USUAL, vec![view])
    }
}

/// Recipes for images of any size, and recipes by name.
impl Recipe {
    /// Returns the image itself: the shorter side resized to `size`, then the square in the center.
    #[must_use]
    pub fn evaluation(size: u32) -> Self {
        let resize = Resize { size, resampling: Resampling::default() };
        let view = vec![resize.into(), CenterCrop { size }.into()];
        Self::cifar("evaluation", USUAL, vec![view])
    }

    /// Returns the recipe that shows an image to an encoder trained with this one: resized and cut to
    /// the size of the first view, with the same normalization.
    ///
    /// # Panics
    /// If there is no view, or it has no fixed size, which [`validate`](ViewMaker::validate) finds.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::{Recipe, ViewMaker};
    ///
    /// let views = Recipe::shapes(16);
    /// let shown = views.for_evaluation();
    /// assert_eq!((shown.view_count(), shown.view_dims(0)), (1, [3, 16, 16]));
    /// assert_eq!(shown.normalize, views.normalize);
    /// ```
    #[must_use]
    #[track_caller]
    pub fn for_evaluation(&self) -> Self {
        let [_, height, width] = self.view_dims(0);
        let side = u32::try_from(height.min(width)).unwrap_or(u32::MAX);
        Self::evaluation(side).with_normalize(self.normalize)
    }

    /// Returns all recipes, with default sizes and numbers of views.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::{Recipe, ViewMaker};
    ///
    /// assert!(Recipe::all().iter().all(|recipe| recipe.validate().is_ok()));
    /// ```
    #[must_use]
    pub fn all() -> Vec<Self> {
        vec![
            Self::simclr_cifar(),
            Self::simsiam_cifar(),
            Self::moco_v2_cifar(),
            Self::byol_cifar(),
            Self::barlow_twins_cifar(),
            Self::vicreg_cifar(),
            Self::swav_cifar(),
            Self::dino_cifar(),
            Self::fast_siam_cifar(FAST_SIAM_VIEWS),
            Self::emp_ssl_cifar(EMP_SSL_PATCHES),
            Self::supervised_cifar(),
            Self::simclr_imagenet(),
            Self::simsiam_imagenet(),
            Self::moco_v2_imagenet(),
            Self::byol_imagenet(),
            Self::barlow_twins_imagenet(),
            Self::vicreg_imagenet(),
            Self::swav_imagenet(),
            Self::dino_imagenet(),
            Self::fast_siam_imagenet(FAST_SIAM_VIEWS),
            Self::evaluation_imagenet(),
            Self::shapes(32),
            Self::supervised_shapes(32),
            Self::evaluation(32),
        ]
    }

    /// Returns the recipe with this name and default sizes.
    ///
    /// # Errors
    /// If no recipe has this name; the error lists the names.
    ///
    /// # Example
    /// ```
    /// use selfsame_augment::Recipe;
    ///
    /// assert_eq!(Recipe::by_name("byol_cifar"), Ok(Recipe::byol_cifar()));
    /// assert!(Recipe::by_name("byol").unwrap_err().to_string().contains("byol_cifar"));
    /// ```
    pub fn by_name(name: &str) -> Result<Self, RecipeError> {
        let all = Self::all();
        let known: Vec<String> = all.iter().map(|recipe| recipe.name.clone()).collect();
        all.into_iter()
            .find(|recipe| recipe.name == name)
            .ok_or_else(|| RecipeError::Unknown { name: name.to_owned(), known: known.join(", ") })
    }
}
