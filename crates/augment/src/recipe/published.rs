//! Published recipes.
//!
//! The table in the crate's README lists their names, parameters and sources.

use super::{Recipe, RecipeError};
use crate::operator::{CenterCrop, Resize};
use crate::{Resampling, ViewMaker};

mod cifar;
mod imagenet;

const SIMCLR: &str =
    "Chen et al., 2020, arXiv:2002.05709, appendix A; blur as in A, not on CIFAR (B.9)";
const SIMSIAM: &str = "Chen & He, 2021, arXiv:2011.10566, section 3 and appendix D";
const BYOL: &str = "Grill et al., 2020, arXiv:2006.07733, appendix B";
const BARLOW: &str = "Zbontar et al., 2021, arXiv:2103.03230, section 3.1";
const FAST_SIAM: &str = "Pototzky et al., 2022, doi:10.1007/978-3-031-16788-1_4, SimSiam's views";
const EMP_SSL: &str = "Tong et al., 2023, arXiv:2304.03977, order of the official code";
const USUAL: &str = "the usual way";

/// Default number of views of FastSiam. Paper: 4.
const FAST_SIAM_VIEWS: usize = 4;
/// Default number of patches of EMP-SSL. README of the official code: 20; the paper uses up to 200.
const EMP_SSL_PATCHES: usize = 20;
/// Patches of our recipe.
const PATCHES: usize = 8;
/// Default number of views of MMCR on CIFAR-10. Official code: 40.
const MMCR_CIFAR_VIEWS: usize = 40;
/// Default number of views of MMCR on ImageNet. Paper: 8.
const MMCR_IMAGENET_VIEWS: usize = 8;

/// Recipes for images of any size, and recipes by name.
impl Recipe {
    /// Returns the image itself: the shorter side resized to `size`, then the square in the center.
    #[must_use]
    pub fn evaluation(size: u32) -> Self {
        let resize = Resize { size, resampling: Resampling::default() };
        let view = vec![resize.into(), CenterCrop { size }.into()];
        Self::cifar("evaluation", USUAL, vec![view])
    }

    /// Returns the center of a photograph: 224 pixels of a shorter side of 256.
    #[must_use]
    pub fn evaluation_imagenet() -> Self {
        let resize = Resize { size: 256, resampling: Resampling::default() };
        let view = vec![resize.into(), CenterCrop { size: 224 }.into()];
        Self::imagenet("evaluation_imagenet", USUAL, vec![view])
    }

    /// Returns the recipe that shows an image to an encoder trained with this one: resized and cut to
    /// the side [`shown`](Self::shown), or that of the first view, with the same normalization.
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
        Self::evaluation(self.shown.unwrap_or(side)).with_normalize(self.normalize)
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
            Self::patches_cifar(PATCHES),
            Self::symmetric_cifar(),
            Self::symmetric_weak_cifar(),
            Self::asymmetric_cifar(),
            Self::ressl_cifar(),
            Self::w_mse_cifar(),
            Self::frossl_cifar(),
            Self::mmcr_cifar(MMCR_CIFAR_VIEWS),
            Self::lejepa_cifar(),
            Self::visreg_cifar(),
            Self::msn_cifar(),
            Self::mae_cifar(),
            Self::simmim_cifar(),
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
            Self::moco_v3_imagenet(),
            Self::ressl_imagenet(),
            Self::w_mse_imagenet(),
            Self::vibcreg_imagenet(),
            Self::mmcr_imagenet(MMCR_IMAGENET_VIEWS),
            Self::emp_ssl_imagenet(EMP_SSL_PATCHES),
            Self::lejepa_imagenet(),
            Self::visreg_imagenet(),
            Self::msn_imagenet(),
            Self::mae_imagenet(),
            Self::simmim_imagenet(),
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
