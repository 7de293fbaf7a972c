//! Losses of two views.

use burn::tensor::Tensor;
use selfsame_losses::{
    BarlowTwinsLossConfig, DclLossConfig, HypersphereLossConfig, MocoLossConfig, MocoV3LossConfig,
    NtXentLossConfig, SupConLossConfig, TicoCovariance, TicoLossConfig, VicregLossConfig,
    barlow_twins, byol, dcl, hypersphere, moco, moco_v3, negative_cosine, nt_xent, sup_con, tico,
    vicreg,
};

use crate::case::Case;

pub(crate) fn loss(case: &Case) -> Option<Tensor<1>> {
    let views = || ["z_a", "z_b"].map(|name| case.input::<2>(name));
    let loss = match case.loss() {
        "nt_xent" => {
            let ([temperature], [a, b]) = (case.params(["temperature"]), views());
            nt_xent(a, b, &NtXentLossConfig { temperature })
        }
        "dcl" => {
            let ([temperature], [a, b]) = (case.params(["temperature"]), views());
            dcl(a, b, &DclLossConfig { temperature, sigma: None })
        }
        "dclw" => {
            let [temperature, sigma] = case.params(["temperature", "sigma"]);
            let [a, b] = views();
            dcl(a, b, &DclLossConfig { temperature, sigma: Some(sigma) })
        }
        "simsiam" | "byol" => {
            let [] = case.params([]);
            let [p_a, p_b, z_a, z_b] = ["p_a", "p_b", "z_a", "z_b"].map(|name| case.input(name));
            let loss = if case.loss() == "byol" { byol } else { negative_cosine };
            loss(p_a, p_b, z_a, z_b)
        }
        "barlow_twins" => {
            let ([off_diagonal], [a, b]) = (case.params(["lambda_"]), views());
            barlow_twins(
                a,
                b,
                &BarlowTwinsLossConfig { off_diagonal, ..BarlowTwinsLossConfig::default() },
            )
        }
        "vicreg" => {
            let [invariance, variance, covariance, epsilon] =
                case.params(["invariance", "variance", "covariance", "eps"]);
            let [a, b] = views();
            let default = VicregLossConfig::default();
            vicreg(a, b, &VicregLossConfig { invariance, variance, covariance, epsilon, ..default })
        }
        "tico" => {
            let [momentum, covariance] = case.params(["beta", "rho"]);
            let [a, b] = views();
            let config = TicoLossConfig { momentum, covariance };
            tico(a, b, &mut TicoCovariance::default(), &config)
        }
        "hypersphere" => {
            let [t, uniformity, alpha] = case.params(["t", "lambda_", "alpha"]);
            let [a, b] = views();
            hypersphere(a, b, &HypersphereLossConfig { alpha, t, uniformity })
        }
        "moco" => {
            let [temperature] = case.params(["temperature"]);
            let [query, key, queue] = ["q", "k", "queue"].map(|name| case.input(name));
            moco(query, key, queue, &MocoLossConfig { temperature })
        }
        "moco_v3" => {
            let [temperature] = case.params(["temperature"]);
            let [q_a, q_b, k_a, k_b] = ["q_a", "q_b", "k_a", "k_b"].map(|name| case.input(name));
            moco_v3(q_a, q_b, k_a, k_b, &MocoV3LossConfig { temperature })
        }
        "supcon" => {
            let ([temperature], [a, b]) = (case.params(["temperature"]), views());
            sup_con(a, b, case.labels("labels"), &SupConLossConfig { temperature })
        }
        _ => return None,
    };
    Some(loss)
}
