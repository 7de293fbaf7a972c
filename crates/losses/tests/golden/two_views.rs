//! Losses of two views.

use burn::tensor::Tensor;
use selfsame_losses::{
    BarlowTwinsLossConfig, DclLossConfig, DirectClrLossConfig, HypersphereLossConfig,
    MaclLossConfig, NtXentLossConfig, TicoCovariance, TicoLossConfig, VibcregLossConfig,
    VicregLossConfig, WMseLossConfig, barlow_twins, byol, dcl, direct_clr, hypersphere, macl,
    negative_cosine, nt_xent, tico, vibcreg, vicreg, w_mse,
};

use crate::case::Case;

pub(crate) fn loss(case: &Case) -> Option<Tensor<1>> {
    let params = &case.params;
    let z = || ["z_a", "z_b"].map(|name| case.input::<2>(name));
    let views = || ["view_a", "view_b"].map(|name| case.input::<2>(name));
    let loss = match case.loss() {
        "nt_xent" => {
            let ([a, b], temperature) = (z(), params.number("temperature"));
            nt_xent(a, b, &NtXentLossConfig { temperature })
        }
        name @ ("dcl" | "dclw") => {
            let ([a, b], temperature) = (z(), params.number("temperature"));
            let sigma = (name == "dclw").then(|| params.number("sigma"));
            dcl(a, b, &DclLossConfig { temperature, sigma })
        }
        name @ ("simsiam" | "byol") => {
            let [p_a, p_b, z_a, z_b] = ["p_a", "p_b", "z_a", "z_b"].map(|name| case.input(name));
            let loss = if name == "byol" { byol } else { negative_cosine };
            loss(p_a, p_b, z_a, z_b)
        }
        "barlow_twins" => {
            let ([a, b], off_diagonal) = (z(), params.number("lambda_"));
            let config = BarlowTwinsLossConfig { off_diagonal, ..Default::default() };
            barlow_twins(a, b, &config)
        }
        "vicreg" => {
            let [a, b] = z();
            let config = VicregLossConfig {
                invariance: params.number("invariance"),
                variance: params.number("variance"),
                covariance: params.number("covariance"),
                epsilon: params.number("eps"),
                ..Default::default()
            };
            vicreg(a, b, &config)
        }
        "tico" => {
            let [a, b] = z();
            let (momentum, covariance) = (params.number("beta"), params.number("rho"));
            let config = TicoLossConfig { momentum, covariance };
            let covariance = TicoCovariance::new(a.dims()[1], &a.device());
            tico(a.clone(), b, &covariance.next(a, momentum), &config)
        }
        "hypersphere" => {
            let [a, b] = z();
            let config = HypersphereLossConfig {
                alpha: params.number("alpha"),
                t: params.number("t"),
                uniformity: params.number("lambda_"),
            };
            hypersphere(a, b, &config)
        }
        "direct_clr" => {
            let [a, b] = views();
            let (columns, temperature) = (params.count("columns"), params.number("temperature"));
            direct_clr(a, b, &DirectClrLossConfig { columns, temperature })
        }
        "macl" => {
            let [a, b] = views();
            let config = MaclLossConfig {
                temperature: params.number("temperature"),
                strength: params.number("strength"),
                threshold: params.number("threshold"),
            };
            macl(a, b, &config)
        }
        "vibcreg" => {
            let [a, b] = views();
            let config = VibcregLossConfig {
                invariance: params.number("invariance"),
                variance: params.number("variance"),
                correlation: params.number("correlation"),
                epsilon: params.number("epsilon"),
            };
            vibcreg(a, b, &config)
        }
        "w_mse" => {
            let [a, b] = views();
            let (rows, epsilon) = (params.count("rows"), params.number("epsilon"));
            w_mse(a, b, &WMseLossConfig { rows, epsilon })
        }
        _ => return None,
    };
    Some(loss)
}
