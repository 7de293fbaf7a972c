//! Losses of any number of views.

use burn::tensor::Tensor;
use selfsame_losses::{
    EmpSslLossConfig, FrosslLossConfig, LeJepaLossConfig, MmcrLossConfig, SigRegLossConfig,
    VisRegLossConfig, emp_ssl, frossl, koleo, lejepa, mmcr, sigreg, visreg, visreg_shape,
};

use crate::case::Case;
use crate::params::Params;

pub(crate) fn loss(case: &Case) -> Option<Tensor<1>> {
    let params = &case.params;
    let loss = match case.loss() {
        "koleo" => koleo(case.input("z")),
        "frossl" => {
            let invariance = params.number("invariance_weight");
            frossl(&case.inputs("z"), &FrosslLossConfig { invariance })
        }
        "mmcr" => {
            let [online, momentum] = ["online", "momentum"].map(|name| views(case.input(name)));
            mmcr(&online, &momentum, &MmcrLossConfig { compactness: params.number("lambda_") })
        }
        "emp_ssl" => {
            let config = EmpSslLossConfig {
                epsilon: params.number("tcr_eps"),
                invariance: params.number("invariance_weight"),
            };
            emp_ssl(&case.inputs("z"), &config)
        }
        "sigreg" => sigreg(case.input("z"), case.input("slices"), &sigreg_config(params)),
        "lejepa" => {
            let config = LeJepaLossConfig {
                regularization: params.number("regularization"),
                sigreg: params.nested("sigreg", sigreg_config),
            };
            let (global, local) = (case.inputs("global"), case.inputs("local"));
            lejepa(&global, &local, case.input("slices"), &config)
        }
        "visreg" => {
            let config = VisRegLossConfig {
                regularization: params.number("regularization"),
                epsilon: params.number("epsilon"),
            };
            let (global, local) = (case.inputs("global"), case.inputs("local"));
            visreg(&global, &local, case.input("slices"), &config)
        }
        "visreg_shape" => visreg_shape(case.input("z"), case.input("slices"), params.number("eps")),
        _ => return None,
    };
    Some(loss)
}

fn sigreg_config(params: &Params) -> SigRegLossConfig {
    SigRegLossConfig { knots: params.count("knots"), t_max: params.number("t_max") }
}

/// The views of `[batch, views, dim]`.
fn views(stacked: Tensor<3>) -> Vec<Tensor<2>> {
    let [batch, views, dim] = stacked.dims();
    let view = |place| stacked.clone().slice([0..batch, place..place + 1, 0..dim]);
    (0..views).map(|place| view(place).reshape([batch, dim])).collect()
}
