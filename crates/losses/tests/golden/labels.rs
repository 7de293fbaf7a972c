//! Losses with labels.

use burn::tensor::Tensor;
use selfsame_losses::{
    CircleLossConfig, CrossBatchMemory, Distance, Labeled, LiftedStructureLossConfig,
    MultiSimilarityLossConfig, NegativeMining, PositiveMining, SoftNearestNeighborLossConfig,
    SupConLossConfig, TripletLossConfig, circle, lifted_structure, multi_similarity, pn,
    soft_nearest_neighbor, sup_con, sup_con_gathered, triplet,
};

use crate::case::Case;
use crate::params::Params;

pub(crate) fn loss(case: &Case) -> Option<Tensor<1>> {
    let params = &case.params;
    let batch = || case.labeled("embedding", "labels");
    let memory = || case.optional_labeled("memory", "memory_labels");
    let sup_con_config = || SupConLossConfig { temperature: params.number("temperature") };
    let loss = match case.loss() {
        "supcon" => {
            let [a, b] = ["z_a", "z_b"].map(|name| case.input(name));
            sup_con(a, b, case.labels("labels"), &sup_con_config())
        }
        "sup_con_gathered" => {
            let queries = case.labeled("queries", "query_labels");
            let keys = case.labeled("keys", "key_labels");
            let first = params.optional("first", Params::count);
            sup_con_gathered(&queries, &keys, first, &sup_con_config())
        }
        name @ ("triplet" | "pn") => {
            let config = TripletLossConfig {
                distance: distance(params),
                positives: positives(params),
                negatives: negatives(params),
                margin: params.optional("margin", Params::number),
            };
            let loss = if name == "pn" { pn } else { triplet };
            loss(&batch(), memory().as_ref(), &config)
        }
        "multi_similarity" => {
            let config = MultiSimilarityLossConfig {
                distance: distance(params),
                alpha: params.number("alpha"),
                beta: params.number("beta"),
                epsilon: params.number("epsilon"),
                boundary: params.number("boundary"),
            };
            multi_similarity(&batch(), memory().as_ref(), &config)
        }
        "circle" => {
            let (gamma, margin) = (params.number("gamma"), params.number("margin"));
            circle(&batch(), memory().as_ref(), &CircleLossConfig { gamma, margin })
        }
        "lifted_structure" => {
            let config = LiftedStructureLossConfig {
                distance: distance(params),
                positives: positives(params),
                margin: params.number("margin"),
            };
            lifted_structure(&batch(), memory().as_ref(), &config)
        }
        "soft_nearest_neighbor" => {
            let (distance, temperature) = (distance(params), params.number("temperature"));
            let config = SoftNearestNeighborLossConfig { distance, temperature };
            soft_nearest_neighbor(&batch(), memory().as_ref(), &config)
        }
        "cross_batch_memory" => cross_batch_memory(case),
        _ => return None,
    };
    Some(loss)
}

/// The triplet loss of the last batch with the rows that its push returned.
fn cross_batch_memory(case: &Case) -> Tensor<1> {
    let (capacity, warmup) = (case.params.count("capacity"), case.params.count("warmup_steps"));
    let labeled = |(place, rows)| Labeled::new(rows, case.labels(&format!("labels_{place}")));
    let batches: Vec<Labeled> =
        case.inputs("embedding").into_iter().enumerate().map(labeled).collect();
    let first = batches[0].embedding();
    let mut memory =
        CrossBatchMemory::new(capacity, first.dims()[1], warmup as u64, &first.device());
    let past = batches.iter().map(|batch| memory.push(batch)).last().flatten();
    let last = batches.last().expect("no input `embedding_0`");
    triplet(last, past.as_ref(), &TripletLossConfig::default())
}

fn distance(params: &Params) -> Distance {
    use Distance::{Cosine, Euclidean, InnerProduct, Manhattan, SignalToNoise, SquaredEuclidean};
    let all = [Cosine, Euclidean, SquaredEuclidean, Manhattan, InnerProduct, SignalToNoise];
    params.variant("distance", &all)
}

fn positives(params: &Params) -> PositiveMining {
    params.variant("positives", &[PositiveMining::Easy, PositiveMining::Hard])
}

fn negatives(params: &Params) -> NegativeMining {
    use NegativeMining::{Easy, Hard, SemiHard};
    params.variant("negatives", &[Easy, SemiHard, Hard])
}
