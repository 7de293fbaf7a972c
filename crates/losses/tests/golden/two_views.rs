//! Losses of two views.

use burn::tensor::Tensor;
use selfsame_losses::{BarlowTwinsConfig, NtXentConfig, barlow_twins, negative_cosine, nt_xent};

use crate::case::Case;

pub fn loss(case: &Case) -> Option<Tensor<1>> {
    let loss = match case.loss() {
        "nt_xent" => {
            let [temperature] = case.params(["temperature"]);
            nt_xent(case.input("z_a"), case.input("z_b"), &NtXentConfig { temperature })
        }
        "simsiam" => {
            let [] = case.params([]);
            let [p_a, p_b, z_a, z_b] = ["p_a", "p_b", "z_a", "z_b"].map(|name| case.input(name));
            negative_cosine(p_a, p_b, z_a, z_b)
        }
        "barlow_twins" => {
            let [off_diagonal] = case.params(["lambda_"]);
            let config = BarlowTwinsConfig { off_diagonal, ..BarlowTwinsConfig::default() };
            barlow_twins(case.input("z_a"), case.input("z_b"), &config)
        }
        _ => return None,
    };
    Some(loss)
}
