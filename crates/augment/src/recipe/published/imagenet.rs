//! Published recipes for ImageNet and other photographs.

use super::{BARLOW, BYOL, EMP_SSL, FAST_SIAM, SIMCLR, SIMSIAM};
use crate::operator::GaussianBlur;
use crate::recipe::Recipe;
use crate::recipe::blocks::{
    FLIP, GRAY, HALF, bicubic_crop, blur, crop, jitter, large, solarize, with,
};

const MOCO: &str = "Chen et al., 2020, arXiv:2003.04297, order of the official code";
const MOCO_V3: &str = "Chen et al., 2021, arXiv:2104.02057, main_moco.py of the official code";
const VICREG: &str = "Bardes et al., 2022, arXiv:2105.04906, with the official code's numbers";
const SWAV: &str = "Caron et al., 2020, arXiv:2006.09882, order of the official code";
const DINO: &str = "Caron et al., 2021, arXiv:2104.14294, with the official code's numbers";
const RESSL: &str =
    "Zheng et al., 2021, arXiv:2107.09282, data/augmentation.py of the official code";
const W_MSE: &str = "solo-learn, scripts/pretrain/imagenet-100/wmse.yaml";
const VIBCREG: &str = "solo-learn, scripts/pretrain/imagenet-100/vibcreg.yaml";
const MMCR: &str =
    "Yerxa et al., 2023, arXiv:2303.03307, mmcr/imagenet/data.py of the official code";
const LEJEPA: &str = "Balestriero & LeCun, 2025, arXiv:2511.08544, README of the official code; \
                      local views of 96 pixels for patches of 16, where it has 98 for those of 14";
const VISREG: &str =
    "Wu et al., 2026, arXiv:2606.02572, visreg/data/multicrop.py of the official code";
const MSN: &str = "Assran et al., 2022, arXiv:2204.07141, src/data_manager.py of the official code";
const MAE: &str = "He et al., 2022, arXiv:2111.06377, main_pretrain.py of the official code";
const SIMMIM: &str = "Xie et al., 2022, arXiv:2111.09886, data/data_simmim.py of the official code";

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

    /// Returns MoCo v3's recipe: the views of BYOL, but larger parts, bilinear; the flip comes
    /// last.
    #[must_use]
    pub fn moco_v3_imagenet() -> Self {
        let view = |blurred, last| {
            let colors = vec![jitter(0.4, 0.2, 0.1), GRAY, blur(blurred)];
            [vec![crop(224, [0.2, 1.0])], colors, last, vec![FLIP]].concat()
        };
        let views = vec![view(1.0, Vec::new()), view(0.1, vec![solarize(0.2)])];
        Self::imagenet("moco_v3_imagenet", MOCO_V3, views)
    }

    /// Returns ReSSL's recipe: the view of MoCo v2 for the student, then one that is only cropped
    /// and flipped for the teacher.
    #[must_use]
    pub fn ressl_imagenet() -> Self {
        let strong = Self::moco_v2_imagenet().views.remove(0);
        Self::imagenet("ressl_imagenet", RESSL, vec![strong, vec![crop(224, [0.2, 1.0]), FLIP]])
    }

    /// Returns W-MSE's recipe: two views of 224 pixels and six of 96, all of large parts; bicubic.
    #[must_use]
    pub fn w_mse_imagenet() -> Self {
        let view = |size| {
            let crop = bicubic_crop(size, [0.2, 1.0]);
            vec![crop, FLIP, jitter(0.8, 0.8, 0.2), GRAY, blur(0.2)]
        };
        let mut views = vec![view(224); 2];
        views.resize(8, view(96));
        Self::imagenet("w_mse_imagenet", W_MSE, views)
    }

    /// Returns VIbCReg's recipe: large parts, both views blurred with probability 0.5 and
    /// solarized with probability 0.1; bicubic.
    #[must_use]
    pub fn vibcreg_imagenet() -> Self {
        let view = with(with(large(224, [0.2, 1.0]), blur(0.5)), solarize(0.1));
        Self::imagenet("vibcreg_imagenet", VIBCREG, vec![view; 2])
    }

    /// Returns MMCR's recipe: the views of BYOL in turn, `views` of them. Paper: 8.
    #[must_use]
    pub fn mmcr_imagenet(views: usize) -> Self {
        Self::byol_imagenet().repeated("mmcr_imagenet", MMCR, views)
    }

    /// Returns EMP-SSL's recipe: `patches` parts of a quarter of the image; bicubic.
    #[must_use]
    pub fn emp_ssl_imagenet(patches: usize) -> Self {
        let crop = bicubic_crop(224, [0.25; 2]);
        let patch = vec![crop, FLIP, jitter(0.4, 0.4, 0.2), GRAY, blur(0.1), solarize(0.1)];
        Self::imagenet("emp_ssl_imagenet", EMP_SSL, vec![patch; patches]).with_normalize(HALF)
    }

    /// Returns LeJEPA's recipe: two views of 224 pixels and six of 96, with the same colors.
    #[must_use]
    pub fn lejepa_imagenet() -> Self {
        let view = |crop| vec![crop, FLIP, jitter(0.4, 0.2, 0.1), GRAY, blur(0.5), solarize(0.2)];
        let mut views = vec![view(crop(224, [0.3, 1.0])); 2];
        views.resize(8, view(crop(96, [0.05, 0.3])));
        Self::imagenet("lejepa_imagenet", LEJEPA, views)
    }

    /// Returns VISReg's recipe: four views of 224 pixels and six of 96, with the same colors;
    /// bicubic.
    #[must_use]
    pub fn visreg_imagenet() -> Self {
        let nine = GaussianBlur { kernel_size: Some(9), sigma: [0.1, 2.0], probability: 0.5 };
        let view = |size, area| with(with(large(size, area), nine.into()), solarize(0.2));
        let mut views = vec![view(224, [0.3, 1.0]); 4];
        views.resize(10, view(96, [0.05, 0.3]));
        Self::imagenet("visreg_imagenet", VISREG, views)
    }

    /// Returns MSN's recipe: the target, an anchor of 224 pixels, and ten of 96.
    #[must_use]
    pub fn msn_imagenet() -> Self {
        let view = |crop| vec![crop, FLIP, jitter(0.4, 0.4, 0.1), GRAY, blur(0.5)];
        let mut views = vec![view(crop(224, [0.3, 1.0])); 2];
        views.resize(12, view(crop(96, [0.05, 0.3])));
        Self::imagenet("msn_imagenet", MSN, views)
    }

    /// Returns MAE's recipe: one view, cropped and flipped; bicubic.
    #[must_use]
    pub fn mae_imagenet() -> Self {
        Self::imagenet("mae_imagenet", MAE, vec![vec![bicubic_crop(224, [0.2, 1.0]), FLIP]])
    }

    /// Returns SimMIM's recipe: one view, cropped little and flipped.
    #[must_use]
    pub fn simmim_imagenet() -> Self {
        Self::imagenet("simmim_imagenet", SIMMIM, vec![vec![crop(224, [0.67, 1.0]), FLIP]])
    }
}
