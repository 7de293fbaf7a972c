//! Losses that are measured, with their inputs.

use burn::tensor::{Device, Int, Tensor, TensorData};
use selfsame::losses::{
    BarlowTwinsLossConfig, CircleLossConfig, CosineForm, DclLossConfig, DinoCenter, DinoLossConfig,
    DirectClrLossConfig, EmpSslLossConfig, FrosslLossConfig, HypersphereLossConfig, Labeled,
    LeJepaLossConfig, LiftedStructureLossConfig, MaclLossConfig, MmcrLossConfig, MocoLossConfig,
    MocoV3LossConfig, MsnLossConfig, MsnPrior, MultiSimilarityLossConfig,
    MultipleNegativesRankingLossConfig, NnclrLossConfig, NtXentLossConfig, Queue, ResslLossConfig,
    SigRegLossConfig, SoftNearestNeighborLossConfig, SupConLossConfig, SwavLossConfig,
    TicoCovariance, TicoLossConfig, TripletLossConfig, VibcregLossConfig, VicregLossConfig,
    VisRegLossConfig, WMseLossConfig, barlow_twins, byol, circle, cosine_loss, dcl, dino,
    direct_clr, emp_ssl, fast_siam, frossl, hypersphere, koleo, lejepa, lifted_structure, macl,
    mmcr, moco, moco_v3, msn, multi_similarity, multiple_negatives_ranking, negative_cosine, nnclr,
    nt_xent, pn, random_slices, ressl, sigreg, soft_nearest_neighbor, sup_con, swav, tico, triplet,
    vibcreg, vicreg, visreg, w_mse,
};

use crate::values::values;

/// Directions of SIGReg and VISReg.
const SLICES: usize = 1024;
/// Rows in a queue.
const QUEUED: usize = 4096;
/// Rows per class.
const ROWS_PER_CLASS: i64 = 4;

/// Loss with the number and the usual width of its inputs.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// Name of the function, or of the function with other settings.
    pub name: &'static str,
    /// Number of views, which are leaves of the graph.
    pub views: usize,
    /// Columns of each view: embeddings, or scores of prototypes.
    pub dim: usize,
    /// Rows of a queue or of prototypes, also leaves of the graph; 0 for none.
    pub rows: usize,
    /// The loss with its default settings, or those of the peer it is compared with.
    pub loss: fn(&Inputs) -> Tensor<1>,
}

/// Inputs of a loss; the same values at every call.
#[derive(Debug)]
pub struct Inputs {
    views: Vec<Tensor<2>>,
    rows: Tensor<2>,
    labels: Tensor<1, Int>,
    center: DinoCenter,
    /// Of as many rows as `rows`.
    queue: Queue,
    /// Directions that replace random ones.
    slices: Option<Tensor<2>>,
}

impl Measured {
    /// Returns views of `batch` rows and the loss's other inputs, tracked by autodiff or not.
    #[must_use]
    pub fn inputs(&self, batch: usize, tracked: bool, device: &Device) -> Inputs {
        let leaf = |seed, rows| {
            let leaf = values(seed, [rows, self.dim], device);
            if tracked { leaf.autodiff().require_grad() } else { leaf }
        };
        let labels: Vec<i64> = (0..).take(batch).map(|row: i64| row / ROWS_PER_CLASS).collect();
        Inputs {
            views: (0..).take(self.views).map(|seed| leaf(seed, batch)).collect(),
            rows: leaf(100, self.rows),
            labels: Tensor::from_data(TensorData::new(labels, [batch]), device),
            center: DinoCenter::new(self.dim, 0.9, device),
            queue: Queue::new(self.rows.max(1), self.dim, 0, device),
            slices: None,
        }
    }

    /// Returns the loss of `batch` rows on the CPU, with fixed slices in place of random ones.
    #[must_use]
    pub fn value(&self, batch: usize) -> f32 {
        let device = Device::flex();
        let mut inputs = self.inputs(batch, false, &device);
        let slices = values(200, [self.dim, SLICES], &device);
        let lengths = slices.clone().square().sum_dim(0).sqrt();
        inputs.slices = Some(slices / lengths);
        (self.loss)(&inputs).into_scalar()
    }
}

impl Inputs {
    fn view(&self, place: usize) -> Tensor<2> {
        self.views[place].clone()
    }

    fn pair(&self) -> [Tensor<2>; 2] {
        [self.view(0), self.view(1)]
    }

    fn labeled(&self) -> Labeled {
        Labeled::new(self.view(0), self.labels.clone())
    }

    fn slices(&self) -> Tensor<2> {
        let [_, dim] = self.views[0].dims();
        let device = self.views[0].device().inner();
        self.slices.clone().unwrap_or_else(|| random_slices(dim, SLICES, 0, 0, &device))
    }

    fn prototypes(&self, prior: MsnPrior) -> Tensor<1> {
        let config = MsnLossConfig { prior, ..MsnLossConfig::default() };
        msn(&self.views[..1], self.view(1).inner(), self.rows.clone(), &config)
    }
}

const fn of_views(
    views: usize,
    name: &'static str,
    dim: usize,
    loss: fn(&Inputs) -> Tensor<1>,
) -> Measured {
    Measured { name, views, dim, rows: 0, loss }
}

const fn with_rows(rows: usize, of: Measured) -> Measured {
    Measured { rows, ..of }
}

/// Every loss. Views count together: global and local, online and momentum, teacher's and
/// student's.
pub const LOSSES: &[Measured] = &[
    of_views(2, "nt_xent", 128, |x| {
        let [a, b] = x.pair();
        nt_xent(a, b, &NtXentLossConfig::default())
    }),
    of_views(2, "dcl", 128, |x| {
        let [a, b] = x.pair();
        dcl(a, b, &DclLossConfig::default())
    }),
    of_views(2, "dclw", 128, |x| {
        let [a, b] = x.pair();
        dcl(a, b, &DclLossConfig::weighted())
    }),
    of_views(2, "sup_con", 128, |x| {
        let [a, b] = x.pair();
        sup_con(a, b, x.labels.clone(), &SupConLossConfig::default())
    }),
    with_rows(
        QUEUED,
        of_views(2, "moco", 128, |x| {
            let [query, key] = x.pair();
            let mut queue = x.queue.clone();
            let loss =
                moco(query, key.clone(), x.rows.clone(), &MocoLossConfig { temperature: 0.1 });
            queue.push(key); // as the peer's loss does
            loss
        }),
    ),
    of_views(2, "moco_v3", 256, |x| {
        let [a, b] = x.pair();
        moco_v3(a.clone(), b.clone(), a, b, &MocoV3LossConfig::default())
    }),
    of_views(2, "nnclr", 256, |x| {
        let [a, b] = x.pair();
        nnclr(a.clone(), b.clone(), a, b, &NnclrLossConfig::default())
    }),
    of_views(2, "macl", 128, |x| {
        let [a, b] = x.pair();
        macl(a, b, &MaclLossConfig::default())
    }),
    of_views(2, "direct_clr", 512, |x| {
        let [a, b] = x.pair();
        direct_clr(a, b, &DirectClrLossConfig::default())
    }),
    of_views(2, "hypersphere", 128, |x| {
        let [a, b] = x.pair();
        hypersphere(a, b, &HypersphereLossConfig::default())
    }),
    of_views(2, "negative_cosine", 2048, |x| {
        let [a, b] = x.pair();
        negative_cosine(a.clone(), b.clone(), a, b)
    }),
    of_views(4, "fast_siam", 2048, |x| fast_siam(&x.views, &x.views)),
    of_views(2, "angular", 2048, |x| {
        let [a, b] = x.pair();
        cosine_loss(a.clone(), b.clone(), a, b, CosineForm::Angular)
    }),
    of_views(2, "byol", 256, |x| {
        let [a, b] = x.pair();
        byol(a.clone(), b.clone(), a, b)
    }),
    of_views(2, "barlow_twins", 2048, |x| {
        let [a, b] = x.pair();
        barlow_twins(a, b, &BarlowTwinsLossConfig { off_diagonal: 0.005, ..Default::default() })
    }),
    of_views(2, "vicreg", 2048, |x| {
        let [a, b] = x.pair();
        vicreg(a, b, &VicregLossConfig::default())
    }),
    of_views(2, "vibcreg", 2048, |x| {
        let [a, b] = x.pair();
        vibcreg(a, b, &VibcregLossConfig::default())
    }),
    of_views(2, "tico", 256, |x| {
        let [a, b] = x.pair();
        let config = TicoLossConfig::default();
        let covariance = TicoCovariance::new(a.dims()[1], &a.device().inner());
        tico(a.clone(), b, &covariance.next(a, config.momentum), &config)
    }),
    of_views(2, "w_mse", 64, |x| {
        let [a, b] = x.pair();
        w_mse(a, b, &WMseLossConfig::default())
    }),
    of_views(4, "swav", 3000, |x| {
        swav(&x.views[..2], &x.views[2..], &[], &SwavLossConfig::default())
    }),
    of_views(4, "dino", 4096, |x| {
        let teacher: Vec<Tensor<2>> = x.views[..2].iter().map(|t| t.clone().inner()).collect();
        let mut center = x.center.clone();
        let loss = dino(&teacher, &x.views, &center, &DinoLossConfig::default());
        center.update(&teacher); // as the peer's loss does
        loss
    }),
    with_rows(1024, of_views(2, "msn", 256, |x| x.prototypes(MsnPrior::Uniform))),
    with_rows(
        1024,
        of_views(2, "pmsn", 256, |x| x.prototypes(MsnPrior::PowerLaw { exponent: 0.25 })),
    ),
    with_rows(
        QUEUED,
        of_views(2, "ressl", 128, |x| {
            let [query, key] = x.pair();
            ressl(query, key, x.rows.clone(), &ResslLossConfig::default())
        }),
    ),
    of_views(2, "frossl", 1024, |x| frossl(&x.views, &FrosslLossConfig::default())),
    of_views(4, "mmcr", 128, |x| mmcr(&x.views[..2], &x.views[2..], &MmcrLossConfig::default())),
    of_views(4, "emp_ssl", 512, |x| emp_ssl(&x.views, &EmpSslLossConfig::default())),
    of_views(1, "sigreg", 128, |x| sigreg(x.view(0), x.slices(), &SigRegLossConfig::default())),
    of_views(4, "lejepa", 128, |x| {
        lejepa(&x.views[..2], &x.views[2..], x.slices(), &LeJepaLossConfig::default())
    }),
    of_views(4, "visreg", 128, |x| {
        visreg(&x.views[..2], &x.views[2..], x.slices(), &VisRegLossConfig::default())
    }),
    of_views(1, "koleo", 256, |x| koleo(x.view(0))),
    of_views(1, "triplet", 128, |x| triplet(&x.labeled(), None, &TripletLossConfig::default())),
    of_views(1, "pn", 128, |x| pn(&x.labeled(), None, &TripletLossConfig::default())),
    of_views(1, "multi_similarity", 128, |x| {
        multi_similarity(&x.labeled(), None, &MultiSimilarityLossConfig::default())
    }),
    of_views(1, "circle", 128, |x| circle(&x.labeled(), None, &CircleLossConfig::default())),
    of_views(1, "soft_nearest_neighbor", 128, |x| {
        soft_nearest_neighbor(&x.labeled(), None, &SoftNearestNeighborLossConfig::default())
    }),
    of_views(1, "lifted_structure", 128, |x| {
        lifted_structure(&x.labeled(), None, &LiftedStructureLossConfig::default())
    }),
    with_rows(
        QUEUED,
        of_views(2, "multiple_negatives_ranking", 128, |x| {
            let [query, key] = x.pair();
            let config = MultipleNegativesRankingLossConfig::default();
            multiple_negatives_ranking(query, key, Some(x.rows.clone().inner()), &config)
        }),
    ),
];
