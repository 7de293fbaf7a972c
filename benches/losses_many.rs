//! Every loss of many views, of prototypes and of labels, forward and backward.

use std::hint::black_box;
use std::time::Duration;

use burn::tensor::{Device, Int, Tensor, TensorData};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use selfsame::losses::{
    CircleConfig, DinoCenter, DinoConfig, EmpSslConfig, FrosslConfig, Labeled, LeJepaConfig,
    LiftedStructureConfig, MmcrConfig, MsnConfig, MultiSimilarityConfig,
    MultipleNegativesRankingConfig, ResslConfig, SigRegConfig, SoftNearestNeighborConfig,
    SwavConfig, TripletConfig, VisRegConfig, circle, dino, emp_ssl, frossl, koleo, lejepa,
    lifted_structure, mmcr, msn, multi_similarity, multiple_negatives_ranking, pn, random_slices,
    ressl, sigreg, soft_nearest_neighbor, swav, triplet, visreg,
};

const DIM: usize = 128;
const SLICES: usize = 1024;
/// Prototypes of SwAV and MSN, outputs of DINO.
const WIDE: usize = 3000;
/// Rows of a queue.
const QUEUED: usize = 4096;
/// Rows of a class.
const OF_A_CLASS: i64 = 4;

/// What a loss may take. All numbers are the same at every run.
struct Inputs {
    /// Four views of `[batch, DIM]`, leaves of a graph.
    views: Vec<Tensor<2>>,
    /// Three views of `[batch, WIDE]`, cosines, leaves of a graph.
    scores: Vec<Tensor<2>>,
    slices: Tensor<2>,
    prototypes: Tensor<2>,
    queue: Tensor<2>,
    labels: Tensor<1, Int>,
    center: DinoCenter,
}

impl Inputs {
    fn new(batch: usize) -> Self {
        let device = Device::flex();
        let rows = |count, place: u64| random_slices(DIM, count, 0, place, &device).transpose();
        let leaf =
            |rows: Tensor<2>| Tensor::from_data(rows.into_data(), &device.clone().autodiff());
        let prototypes = rows(WIDE, 100);
        let scores = |place| rows(batch, place).matmul(prototypes.clone().transpose());
        let labels: Vec<i64> = (0..).take(batch).map(|row: i64| row / OF_A_CLASS).collect();
        Self {
            views: (0..4).map(|place| leaf(rows(batch, place)).require_grad()).collect(),
            scores: (4..7).map(|place| leaf(scores(place)).require_grad()).collect(),
            slices: random_slices(DIM, SLICES, 0, 101, &device),
            queue: rows(QUEUED, 102),
            labels: Tensor::from_data(TensorData::new(labels, [batch]), &device),
            center: DinoCenter::new(WIDE, 0.9, &device),
            prototypes,
        }
    }

    fn view(&self, place: usize) -> Tensor<2> {
        self.views[place].clone()
    }

    fn labeled(&self) -> Labeled {
        Labeled::new(self.view(0), self.labels.clone())
    }
}

type Loss = fn(&Inputs) -> Tensor<1>;

/// Names, with what they are measured on, and losses with their defaults.
const LOSSES: [(&str, Loss); 19] = [
    ("swav/2+1x3000", |x| swav(&x.scores[..2], &x.scores[2..], &[], &SwavConfig::default())),
    ("dino/2+1x3000", |x| {
        let teacher: Vec<Tensor<2>> = x.scores[..2].iter().map(|t| t.clone().inner()).collect();
        dino(&teacher, &x.scores, &x.center, &DinoConfig::default())
    }),
    ("msn/1+1x3000", |x| {
        let target = x.view(1).inner();
        msn(&x.views[..1], target, x.prototypes.clone(), &MsnConfig::default())
    }),
    ("ressl/queue4096", |x| ressl(x.view(0), x.view(1), x.queue.clone(), &ResslConfig::default())),
    ("frossl/4", |x| frossl(&x.views, &FrosslConfig::default())),
    ("mmcr/2+2", |x| mmcr(&x.views[..2], &x.views[2..], &MmcrConfig::default())),
    ("emp_ssl/4", |x| emp_ssl(&x.views, &EmpSslConfig::default())),
    ("sigreg/1024", |x| sigreg(x.view(0), x.slices.clone(), &SigRegConfig::default())),
    ("lejepa/2+2x1024", |x| {
        lejepa(&x.views[..2], &x.views[2..], x.slices.clone(), &LeJepaConfig::default())
    }),
    ("visreg/2+2x1024", |x| {
        visreg(&x.views[..2], &x.views[2..], x.slices.clone(), &VisRegConfig::default())
    }),
    ("koleo", |x| koleo(x.view(0))),
    ("triplet", |x| triplet(&x.labeled(), None, &TripletConfig::default())),
    ("pn", |x| pn(&x.labeled(), None, &TripletConfig::default())),
    ("multi_similarity", |x| {
        multi_similarity(&x.labeled(), None, &MultiSimilarityConfig::default())
    }),
    ("circle", |x| circle(&x.labeled(), None, &CircleConfig::default())),
    ("soft_nearest_neighbor", |x| {
        soft_nearest_neighbor(&x.labeled(), None, &SoftNearestNeighborConfig::default())
    }),
    ("lifted_structure", |x| {
        lifted_structure(&x.labeled(), None, &LiftedStructureConfig::default())
    }),
    ("multiple_negatives_ranking", |x| {
        let config = MultipleNegativesRankingConfig::default();
        multiple_negatives_ranking(x.view(0), x.view(1), None, &config)
    }),
    ("multiple_negatives_ranking/4096", |x| {
        let config = MultipleNegativesRankingConfig::default();
        multiple_negatives_ranking(x.view(0), x.view(1), Some(x.queue.clone()), &config)
    }),
];

fn losses(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("losses_many");
    group.sample_size(10).warm_up_time(Duration::from_millis(300));
    group.measurement_time(Duration::from_secs(1));
    for batch in [64, 256, 1024] {
        let inputs = Inputs::new(batch);
        group.throughput(Throughput::Elements(batch as u64));
        for (name, loss) in LOSSES {
            group.bench_function(format!("{name}/{batch}x{DIM}/f32/flex/forward"), |bencher| {
                bencher.iter(|| loss(black_box(&inputs)).into_data());
            });
            group.bench_function(format!("{name}/{batch}x{DIM}/f32/flex/backward"), |bencher| {
                bencher.iter(|| loss(black_box(&inputs)).backward());
            });
        }
    }
    group.finish();
}

criterion_group!(benches, losses);
criterion_main!(benches);
