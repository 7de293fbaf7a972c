//! The losses that are measured, and what they are given.

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
    direct_clr, emp_ssl, frossl, hypersphere, koleo, lejepa, lifted_structure, macl, mmcr, moco,
    moco_v3, msn, multi_similarity, multiple_negatives_ranking, negative_cosine, nnclr, nt_xent,
    pn, random_slices, ressl, sigreg, soft_nearest_neighbor, sup_con, swav, tico, triplet, vibcreg,
    vicreg, visreg, w_mse,
};

/// Directions of SIGReg and VISReg.
const SLICES: usize = 1024;
/// Rows of a queue.
const QUEUED: usize = 4096;
/// Rows of a class.
const OF_A_CLASS: i64 = 4;

/// A loss, how much it takes, and the width of embedding it is usually given.
#[derive(Clone, Copy, Debug)]
pub struct Measured {
    /// The function's name, or what it is called with other settings.
    pub name: &'static str,
    /// How many views it takes, leaves of the graph.
    pub views: usize,
    /// Columns of each view: embeddings, or scores of prototypes.
    pub dim: usize,
    /// Rows of a queue or of prototypes, leaves of the graph too; 0 for none.
    pub rows: usize,
    /// The loss at its defaults, or at those of the peer that it is compared with.
    pub loss: fn(&Inputs) -> Tensor<1>,
}

/// What a loss is given; the same numbers at every call.
#[derive(Debug)]
pub struct Inputs {
    views: Vec<Tensor<2>>,
    rows: Tensor<2>,
    labels: Tensor<1, Int>,
    center: DinoCenter,
    /// Directions in place of random ones.
    slices: Option<Tensor<2>>,
}

impl Measured {
    /// Views of `batch` rows and what else the loss needs, remembered by the graph or not.
    #[must_use]
    pub fn inputs(&self, batch: usize, tracked: bool) -> Inputs {
        let device = Device::flex();
        let leaf = |seed, rows| {
            let leaf = entries(seed, [rows, self.dim]);
            if tracked { leaf.autodiff().require_grad() } else { leaf }
        };
        let labels: Vec<i64> = (0..).take(batch).map(|row: i64| row / OF_A_CLASS).collect();
        Inputs {
            views: (0..).take(self.views).map(|seed| leaf(seed, batch)).collect(),
            rows: leaf(100, self.rows),
            labels: Tensor::from_data(TensorData::new(labels, [batch]), &device),
            center: DinoCenter::new(self.dim, 0.9, &device),
            slices: None,
        }
    }

    /// The loss of `batch` rows, with slices that are no matter of chance.
    #[must_use]
    pub fn value(&self, batch: usize) -> f32 {
        let mut inputs = self.inputs(batch, false);
        let slices = entries(200, [self.dim, SLICES]);
        let lengths = slices.clone().square().sum_dim(0).sqrt();
        inputs.slices = Some(slices / lengths);
        (self.loss)(&inputs).into_scalar()
    }
}

/// Numbers of mean 0 and variance 1, evenly spread: the i-th from a hash of `seed` and `i`.
#[must_use]
fn entries(seed: u64, shape: [usize; 2]) -> Tensor<2> {
    let number = |place: u64| {
        let mut hash = (place + 1 + (seed << 40)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        // 24 bits, which single precision holds.
        let even = ((hash ^ (hash >> 31)) >> 40) as f64 / f64::from(1 << 23) - 1.0;
        even * 3.0_f64.sqrt()
    };
    let numbers: Vec<f64> = (0..).take(shape[0] * shape[1]).map(number).collect();
    Tensor::from_data(TensorData::new(numbers, shape).convert::<f32>(), &Device::flex())
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
        let dim = self.views[0].dims()[1];
        let drawn = || random_slices(dim, SLICES, 0, 0, &Device::flex());
        self.slices.clone().unwrap_or_else(drawn)
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

/// Every loss. The number of views is that of global and local, online and momentum, or teacher's and
/// student's ones together.
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
            let mut queue = Queue::new(QUEUED);
            queue.push(x.rows.clone());
            let loss =
                moco(query, key.clone(), x.rows.clone(), &MocoLossConfig { temperature: 0.1 });
            queue.push(key); // the peer's loss does it
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
        tico(a, b, &mut TicoCovariance::default(), &TicoLossConfig::default())
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
        center.update(&teacher); // the peer's loss does it
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
