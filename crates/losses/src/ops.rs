//! Operations that several losses share.

pub(crate) mod contrast;
pub(crate) mod cross_view_entropy;
pub(crate) mod custom_gradient;
pub(crate) mod gram;
pub(crate) mod info_nce;
pub(crate) mod l2_normalize;
pub(crate) mod log_sum_exp;
pub(crate) mod moments;
pub(crate) mod normal_quantile;
pub(crate) mod shapes;
