//! Published recipes for CIFAR-10 and other images of 32 pixels.
//!
//! Those of solo-learn flip last; the order of a flip and a change of color or a blur does not
//! matter.

use super::{BARLOW, BYOL, EMP_SSL, FAST_SIAM, SIMCLR, SIMSIAM};
use crate::operator::RandomResizedCrop;
use crate::recipe::Recipe;
use crate::recipe::blocks::{
    FLIP, GRAY, HALF, OURS, bicubic_crop, crop, jitter, small, solarize, whole_blur, with,
};
use crate::{Normalize, Operator, Resampling};

const VICREG: &str = "Bardes et al., 2022, arXiv:2105.04906, with solo-learn's CIFAR-10 numbers";
const LEJEPA: &str = "facebookresearch/eb_jepa, examples/image_jepa, which has VICReg's views";
const SWAV: &str = "Caron et al., 2020, arXiv:2006.09882, with solo-learn's CIFAR-10 numbers";
const DINO: &str = "Caron et al., 2021, arXiv:2104.14294, with lightly's CIFAR-10 numbers";
const SYMMETRIC: &str = "solo-learn, scripts/pretrain/cifar/augmentations/symmetric.yaml";
const SYMMETRIC_WEAK: &str = "solo-learn, scripts/pretrain/cifar/augmentations/symmetric_weak.yaml";
const ASYMMETRIC: &str = "solo-learn, scripts/pretrain/cifar/augmentations/asymmetric.yaml";
const RESSL: &str = "solo-learn, scripts/pretrain/cifar/augmentations/ressl.yaml";
const W_MSE: &str = "solo-learn, scripts/pretrain/cifar/wmse.yaml";
const FROSSL: &str = "OFSkean/FroSSL, scripts/pretrain/cifar/augmentations/symmetric_weak.yaml";
const MMCR: &str =
    "Yerxa et al., 2023, arXiv:2303.03307, mmcr/cifar_stl/data.py of the official code";
const VISREG: &str = "Wu et al., 2026, arXiv:2606.02572, Imagenette's views at 32 pixels (ours)";
const MSN: &str = "Assran et al., 2022, arXiv:2204.07141, ImageNet's views at 32 pixels (ours)";
const MAE: &str = "solo-learn, scripts/pretrain/cifar/augmentations/reconstruction.yaml";
const SIMMIM: &str = "Xie et al., 2022, arXiv:2111.09886, ImageNet's views at 32 pixels (ours)";

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

    /// Returns VICReg's recipe: both views solarized with probability 0.1; bicubic, no blur.
    #[must_use]
    pub fn vicreg_cifar() -> Self {
        let view = with(solo([0.2, 1.0], 0.4, 0.2, 0.1), solarize(0.1));
        Self::cifar("vicreg_cifar", VICREG, vec![view; 2])
    }

    /// Returns LeJEPA's recipe: the views of VICReg.
    #[must_use]
    pub fn lejepa_cifar() -> Self {
        let name = "lejepa_cifar".to_owned();
        Self { name, source: LEJEPA.to_owned(), ..Self::vicreg_cifar() }
    }

    /// Returns SwAV's recipe: two views of 32 pixels, the second solarized with probability 0.2,
    /// and six of 18 pixels; bicubic.
    #[must_use]
    pub fn swav_cifar() -> Self {
        let global = vec![bicubic_crop(32, [0.2, 1.0]), FLIP, jitter(0.6, 0.6, 0.2), GRAY];
        let colors = vec![FLIP, jitter(0.8, 0.8, 0.2), GRAY, whole_blur(0.1), solarize(0.1)];
        let local = [vec![bicubic_crop(18, [0.08, 0.5])], colors].concat();
        let mut views = vec![global.clone(), with(global, solarize(0.2))];
        views.resize(8, local);
        Self::cifar("swav_cifar", SWAV, views)
    }

    /// Returns solo-learn's symmetric recipe, of SimCLR and SupCon: jitter of full strength,
    /// and blur with probability 0.5; bicubic.
    #[must_use]
    pub fn symmetric_cifar() -> Self {
        let view = with(solo([0.08, 1.0], 0.8, 0.8, 0.2), whole_blur(0.5));
        Self::cifar("symmetric_cifar", SYMMETRIC, vec![view; 2])
    }

    /// Returns solo-learn's weaker symmetric recipe, of SimSiam and MoCo v2: jitter of half
    /// strength, and blur with probability 0.5; bicubic.
    #[must_use]
    pub fn symmetric_weak_cifar() -> Self {
        let view = with(solo([0.08, 1.0], 0.4, 0.4, 0.1), whole_blur(0.5));
        Self::cifar("symmetric_weak_cifar", SYMMETRIC_WEAK, vec![view; 2])
    }

    /// Returns solo-learn's asymmetric recipe, of BYOL, Barlow Twins, MoCo v3, NNCLR and DINO: the
    /// views of [`byol_cifar`](Self::byol_cifar), but bicubic.
    #[must_use]
    pub fn asymmetric_cifar() -> Self {
        let common = solo([0.08, 1.0], 0.4, 0.2, 0.1);
        let second = with(common.clone(), solarize(0.2));
        Self::cifar("asymmetric_cifar", ASYMMETRIC, vec![common, second])
    }

    /// Returns ReSSL's recipe: the student's view in changed colors and blurred with probability
    /// 0.5, then the teacher's, cropped and flipped alone; bicubic.
    #[must_use]
    pub fn ressl_cifar() -> Self {
        let strong = with(solo([0.08, 1.0], 0.4, 0.2, 0.1), whole_blur(0.5));
        let weak = vec![bicubic_crop(32, [0.08, 1.0]), FLIP];
        Self::cifar("ressl_cifar", RESSL, vec![strong, weak])
    }

    /// Returns W-MSE's recipe: large parts, jitter of full strength; bicubic, no blur.
    #[must_use]
    pub fn w_mse_cifar() -> Self {
        Self::cifar("w_mse_cifar", W_MSE, vec![solo([0.2, 1.0], 0.8, 0.8, 0.2); 2])
    }

    /// Returns FroSSL's recipe: the views of SimCLR, but bicubic.
    #[must_use]
    pub fn frossl_cifar() -> Self {
        Self::cifar("frossl_cifar", FROSSL, vec![solo([0.08, 1.0], 0.4, 0.4, 0.1); 2])
    }

    /// Returns MMCR's recipe: `views` views of SimCLR. Official code: 40.
    #[must_use]
    pub fn mmcr_cifar(views: usize) -> Self {
        let normalize = Normalize { mean: Normalize::CIFAR.mean, std: [0.2023, 0.1994, 0.2010] };
        Self::simclr_cifar().repeated("mmcr_cifar", MMCR, views).with_normalize(normalize)
    }

    /// Returns VISReg's recipe for small images: four views, each solarized with probability 0.2;
    /// bicubic. Ours: no blur.
    #[must_use]
    pub fn visreg_cifar() -> Self {
        let view = with(solo([0.3, 1.0], 0.4, 0.2, 0.1), solarize(0.2));
        Self::cifar("visreg_cifar", VISREG, vec![view; 4])
    }

    /// Returns MSN's recipe for small images: the target, an anchor of 32 pixels, and six of 16.
    /// Ours: the official crops and colors without blur, and sides of a vision transformer with
    /// patches of 4.
    #[must_use]
    pub fn msn_cifar() -> Self {
        let focal = vec![crop(16, [0.05, 0.3]), FLIP, jitter(0.4, 0.4, 0.1), GRAY];
        let mut views = vec![small([0.3, 1.0], 0.4, 0.4, 0.1); 2];
        views.resize(8, focal);
        Self::cifar("msn_cifar", MSN, views)
    }

    /// Returns MAE's recipe: one view, cropped and flipped; bicubic.
    #[must_use]
    pub fn mae_cifar() -> Self {
        Self::cifar("mae_cifar", MAE, vec![vec![bicubic_crop(32, [0.08, 1.0]), FLIP]])
    }

    /// Returns SimMIM's recipe: one view, cropped little and flipped. Ours: 32 pixels.
    #[must_use]
    pub fn simmim_cifar() -> Self {
        Self::cifar("simmim_cifar", SIMMIM, vec![vec![crop(32, [0.67, 1.0]), FLIP]])
    }

    /// Returns DINO's recipe: two views, the second solarized with probability 0.2; images this
    /// small have no local views.
    #[must_use]
    pub fn dino_cifar() -> Self {
        let common = small([0.4, 1.0], 0.4, 0.2, 0.1);
        let second = with(common.clone(), solarize(0.2));
        Self::cifar("dino_cifar", DINO, vec![common, second])
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
        let patch = vec![square, FLIP, jitter(0.4, 0.4, 0.2), GRAY, whole_blur(0.1), solarize(0.1)];
        Self::cifar("emp_ssl_cifar", EMP_SSL, vec![patch; patches]).with_normalize(HALF)
    }

    /// Returns patches of 16 pixels, in about the size that they have in the image, which is shown
    /// whole to the trained encoder: EMP-SSL's idea at a quarter of its pixels.
    #[must_use]
    pub fn patches_cifar(patches: usize) -> Self {
        let patch = vec![crop(16, [0.2, 0.6]), FLIP, jitter(0.4, 0.4, 0.1), GRAY];
        Self::cifar("patches_cifar", OURS, vec![patch; patches]).with_shown(32)
    }

    /// Returns a recipe for supervised training on small images: a mild crop and a flip.
    #[must_use]
    pub fn supervised_cifar() -> Self {
        Self::cifar("supervised_cifar", OURS, vec![vec![crop(32, [0.5, 1.0]), FLIP]])
    }
}

/// Returns the operators that solo-learn's recipes share, bicubic.
fn solo(area: [f64; 2], light: f64, saturation: f64, hue: f64) -> Vec<Operator> {
    vec![bicubic_crop(32, area), FLIP, jitter(light, saturation, hue), GRAY]
}
