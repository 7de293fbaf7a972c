//! The losses that are measured, each as a function of two views.

use burn::tensor::{Device, Distribution, Int, Tensor};
use selfsame::losses::{
    BarlowTwinsConfig, CosineForm, DclConfig, DirectClrConfig, HypersphereConfig, MaclConfig,
    MocoConfig, MocoV3Config, NnclrConfig, NtXentConfig, SupConConfig, TicoConfig, TicoCovariance,
    VibcregConfig, VicregConfig, WMseConfig, barlow_twins, byol, cosine_loss, dcl, direct_clr,
    hypersphere, macl, moco, moco_v3, negative_cosine, nnclr, nt_xent, sup_con, tico, vibcreg,
    vicreg, w_mse,
};

/// A loss and the width of embedding it is usually given.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// The function's name.
    pub name: &'static str,
    /// Columns of each view.
    pub dim: usize,
    /// The loss at its defaults, or at those of the peer that it is compared with.
    pub loss: fn(Tensor<2>, Tensor<2>) -> Tensor<1>,
}

impl Measured {
    /// Two views of `batch` rows, remembered by the graph or not. The same at every call.
    #[must_use]
    pub fn views(&self, batch: usize, tracked: bool) -> [Tensor<2>; 2] {
        let device = Device::flex();
        device.seed(0);
        let view = || Tensor::random([batch, self.dim], Distribution::Normal(0.0, 1.0), &device);
        let views = [view(), view()];
        if tracked { views.map(|view| view.autodiff().require_grad()) } else { views }
    }
}

/// Every fourth picture is of one class.
#[allow(clippy::cast_possible_wrap, reason = "rows of a batch")]
fn labels(view: &Tensor<2>) -> Tensor<1, Int> {
    Tensor::<1, Int>::arange(0..view.dims()[0] as i64, &Device::flex()).remainder_scalar(4)
}

/// Rows of a queue for the losses that need one.
fn queue(view: &Tensor<2>) -> Tensor<2> {
    view.clone().inner().repeat_dim(0, 4096_usize.div_ceil(view.dims()[0]))
}

/// The losses of two views.
pub const LOSSES: &[Measured] = &[
    Measured { name: "nt_xent", dim: 128, loss: |a, b| nt_xent(a, b, &NtXentConfig::default()) },
    Measured { name: "dcl", dim: 128, loss: |a, b| dcl(a, b, &DclConfig::default()) },
    Measured { name: "dclw", dim: 128, loss: |a, b| dcl(a, b, &DclConfig::weighted()) },
    Measured {
        name: "sup_con",
        dim: 128,
        loss: |a, b| {
            let labels = labels(&a);
            sup_con(a, b, labels, &SupConConfig::default())
        },
    },
    Measured {
        name: "moco",
        dim: 128,
        loss: |a, b| {
            let queue = queue(&b);
            moco(a, b, queue, &MocoConfig::default())
        },
    },
    Measured {
        name: "moco_v3",
        dim: 256,
        loss: |a, b| moco_v3(a.clone(), b.clone(), a, b, &MocoV3Config::default()),
    },
    Measured {
        name: "nnclr",
        dim: 256,
        loss: |a, b| nnclr(a.clone(), b.clone(), a, b, &NnclrConfig::default()),
    },
    Measured { name: "macl", dim: 128, loss: |a, b| macl(a, b, &MaclConfig::default()) },
    Measured {
        name: "direct_clr",
        dim: 512,
        loss: |a, b| direct_clr(a, b, &DirectClrConfig::default()),
    },
    Measured {
        name: "hypersphere",
        dim: 128,
        loss: |a, b| hypersphere(a, b, &HypersphereConfig::default()),
    },
    Measured {
        name: "negative_cosine",
        dim: 2048,
        loss: |a, b| negative_cosine(a.clone(), b.clone(), a, b),
    },
    Measured {
        name: "angular",
        dim: 2048,
        loss: |a, b| cosine_loss(a.clone(), b.clone(), a, b, CosineForm::Angular),
    },
    Measured { name: "byol", dim: 256, loss: |a, b| byol(a.clone(), b.clone(), a, b) },
    Measured {
        name: "barlow_twins",
        dim: 2048,
        loss: |a, b| barlow_twins(a, b, &BarlowTwinsConfig::default()),
    },
    Measured { name: "vicreg", dim: 2048, loss: |a, b| vicreg(a, b, &VicregConfig::default()) },
    Measured { name: "vibcreg", dim: 2048, loss: |a, b| vibcreg(a, b, &VibcregConfig::default()) },
    Measured {
        name: "tico",
        dim: 256,
        loss: |a, b| tico(a, b, &mut TicoCovariance::default(), &TicoConfig::default()),
    },
    Measured { name: "w_mse", dim: 64, loss: |a, b| w_mse(a, b, &WMseConfig::default()) },
];
