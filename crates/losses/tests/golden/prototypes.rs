//! Losses of scores for prototypes.

use burn::tensor::Tensor;
use selfsame_losses::{
    DinoCenter, DinoLossConfig, MsnLossConfig, MsnPrior, SwavLossConfig, dino, msn, sinkhorn, swav,
};

use crate::case::Case;
use crate::params::Params;

pub(crate) fn loss(case: &Case) -> Option<Tensor<1>> {
    let params = &case.params;
    let loss = match case.loss() {
        "swav" => {
            let config = SwavLossConfig {
                temperature: params.number("temperature"),
                epsilon: params.number("epsilon"),
                iterations: params.count("iterations"),
            };
            swav(&case.inputs("hi"), &case.inputs("lo"), &[], &config)
        }
        "sinkhorn" => {
            let (epsilon, iterations) = (params.number("epsilon"), params.count("iterations"));
            let codes = sinkhorn(case.input("scores"), epsilon, iterations);
            (case.input::<2>("weights") * codes).sum()
        }
        "dino" => {
            let teacher: Vec<Tensor<2>> = case.inputs("t");
            let center = DinoCenter::new(teacher[0].dims()[1], 0.9, &teacher[0].device());
            let config = DinoLossConfig {
                student_temperature: params.number("student_temp"),
                teacher_temperature: params.number("teacher_temp"),
            };
            dino(&teacher, &case.inputs("s"), &center, &config)
        }
        "msn" => {
            let config = MsnLossConfig {
                temperature: params.number("temperature"),
                sharpening: params.number("sharpening"),
                iterations: params.count("iterations"),
                regularization: params.number("regularization"),
                prior: prior(params),
            };
            let [target, prototypes] = ["target", "prototypes"].map(|name| case.input(name));
            msn(&case.inputs("anchors"), target, prototypes, &config)
        }
        _ => return None,
    };
    Some(loss)
}

/// `"Uniform"`, or `{"PowerLaw": {"exponent": 0.25}}`.
fn prior(params: &Params) -> MsnPrior {
    if params.is("prior", "Uniform") {
        return MsnPrior::Uniform;
    }
    params.nested("prior", |prior| {
        let exponent = prior.nested("PowerLaw", |law| law.number("exponent"));
        MsnPrior::PowerLaw { exponent }
    })
}
