//! Losses of many views and of prototypes.

use burn::tensor::Tensor;
use selfsame_losses::{
    DinoCenter, DinoLossConfig, EmpSslLossConfig, FrosslLossConfig, MmcrLossConfig,
    SigRegLossConfig, SwavLossConfig, dino, emp_ssl, frossl, koleo, mmcr, sigreg, swav,
    visreg_shape,
};

use crate::case::Case;

#[allow(clippy::cast_sign_loss, clippy::cast_possible_truncation, reason = "a count in JSON")]
fn count(x: f64) -> usize {
    x as usize
}

pub(crate) fn loss(case: &Case) -> Option<Tensor<1>> {
    let loss = match case.loss() {
        "koleo" => {
            let [] = case.params([]);
            koleo(case.input("z"))
        }
        "frossl" => {
            let [invariance] = case.params(["invariance_weight"]);
            frossl(&case.inputs("z"), &FrosslLossConfig { invariance })
        }
        "mmcr" => {
            let [compactness] = case.params(["lambda_"]);
            let [online, momentum] = ["online", "momentum"].map(|name| views(case.input(name)));
            mmcr(&online, &momentum, &MmcrLossConfig { compactness })
        }
        "emp_ssl" => {
            let [epsilon, invariance] = case.params(["tcr_eps", "invariance_weight"]);
            emp_ssl(&case.inputs("z"), &EmpSslLossConfig { epsilon, invariance })
        }
        "swav" => {
            let names = ["temperature", "epsilon", "iterations"];
            let [temperature, epsilon, iterations] = case.params(names);
            let config = SwavLossConfig { temperature, epsilon, iterations: count(iterations) };
            swav(&case.inputs("hi"), &case.inputs("lo"), &[], &config)
        }
        "dino" => {
            let names = ["student_temp", "teacher_temp"];
            let [student_temperature, teacher_temperature] = case.params(names);
            let teacher: Vec<Tensor<2>> = case.inputs("t");
            let center = DinoCenter::new(teacher[0].dims()[1], 0.9, &teacher[0].device());
            let config = DinoLossConfig { student_temperature, teacher_temperature };
            dino(&teacher, &case.inputs("s"), &center, &config)
        }
        "sigreg" => {
            let [knots, t_max] = case.params(["knots", "t_max"]);
            let config = SigRegLossConfig { knots: count(knots), t_max };
            sigreg(case.input("z"), case.input("slices"), &config)
        }
        "visreg_shape" => {
            let [epsilon] = case.params(["eps"]);
            visreg_shape(case.input("z"), case.input("slices"), epsilon)
        }
        _ => return None,
    };
    Some(loss)
}

/// The views of `[batch, views, dim]`.
fn views(stacked: Tensor<3>) -> Vec<Tensor<2>> {
    let [batch, views, dim] = stacked.dims();
    let view = |place| stacked.clone().slice([0..batch, place..place + 1, 0..dim]);
    (0..views).map(|place| view(place).reshape([batch, dim])).collect()
}
