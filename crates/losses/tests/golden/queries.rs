//! Losses of queries that look for their keys.

use burn::tensor::Tensor;
use selfsame_losses::{
    MocoLossConfig, MocoV3LossConfig, MultipleNegativesRankingLossConfig, NnclrLossConfig,
    ResslLossConfig, moco, moco_v3, multiple_negatives_ranking, nearest, nnclr, ressl,
};

use crate::case::Case;

pub(crate) fn loss(case: &Case) -> Option<Tensor<1>> {
    let params = &case.params;
    let loss = match case.loss() {
        "moco" => {
            let [query, key, queue] = ["q", "k", "queue"].map(|name| case.input(name));
            let temperature = params.number("temperature");
            moco(query, key, queue, &MocoLossConfig { temperature })
        }
        "moco_v3" => {
            let [q_a, q_b, k_a, k_b] = ["q_a", "q_b", "k_a", "k_b"].map(|name| case.input(name));
            let temperature = params.number("temperature");
            moco_v3(q_a, q_b, k_a, k_b, &MocoV3LossConfig { temperature })
        }
        name @ ("nnclr" | "nnclr_nearest") => {
            let [neighbor_a, neighbor_b] = if name == "nnclr" {
                ["neighbour_a", "neighbour_b"].map(|name| case.input(name))
            } else {
                let support = case.input("support");
                ["embedding_a", "embedding_b"]
                    .map(|name| nearest(case.input(name), support.clone()))
            };
            let [a, b] = ["prediction_a", "prediction_b"].map(|name| case.input(name));
            let temperature = params.number("temperature");
            nnclr(neighbor_a, neighbor_b, a, b, &NnclrLossConfig { temperature })
        }
        "ressl" => {
            let [query, key, queue] = ["query", "key", "queue"].map(|name| case.input(name));
            let config = ResslLossConfig {
                student_temperature: params.number("student_temperature"),
                teacher_temperature: params.number("teacher_temperature"),
            };
            ressl(query, key, queue, &config)
        }
        "multiple_negatives_ranking" => {
            let [query, key] = ["query", "key"].map(|name| case.input(name));
            let config = MultipleNegativesRankingLossConfig { scale: params.number("scale") };
            multiple_negatives_ranking(query, key, case.optional("negatives"), &config)
        }
        _ => return None,
    };
    Some(loss)
}
