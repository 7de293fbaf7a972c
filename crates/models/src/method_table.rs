//! The one list of all methods, from which names, settings and [`AnyMethod`](crate::AnyMethod) are made.

/// Calls a macro with a row for each method:
/// `Type(Config), "key", "title", "paper", views, Needs, "about";`
macro_rules! for_all_methods {
    ($then:ident) => {
        $then! {
            SimClr(SimClrConfig), "simclr", "SimCLR", "arxiv.org/abs/2002.05709", 2..=2, Nothing,
                "views of an image attract, all other images of the batch repel";
            SimSiam(SimSiamConfig), "simsiam", "SimSiam", "arxiv.org/abs/2011.10566", 2..=2, Nothing,
                "a predictor of the other view, whose gradient is stopped";
            FastSiam(FastSiamConfig), "fast_siam", "FastSiam", "doi.org/10.1007/978-3-031-16788-1_4", 2..=usize::MAX, Nothing,
                "SimSiam with several views: the target is the mean of the others";
            BarlowTwins(BarlowTwinsConfig), "barlow_twins", "Barlow Twins", "arxiv.org/abs/2103.03230", 2..=2, Nothing,
                "equal features of two views, each feature unlike the others";
            Vicreg(VicregConfig), "vicreg", "VICReg", "arxiv.org/abs/2105.04906", 2..=usize::MAX, Nothing,
                "invariance, a floor for the variance, and no covariance";
            Vibcreg(VibcregConfig), "vibcreg", "VIbCReg", "arxiv.org/abs/2109.00783", 2..=2, Nothing,
                "VICReg with whitened embeddings and correlations";
            Byol(ByolConfig), "byol", "BYOL", "arxiv.org/abs/2006.07733", 2..=2, Nothing,
                "a predictor of the other view as a moving average sees it";
            MocoV2(MocoV2Config), "moco_v2", "MoCo v2", "arxiv.org/abs/2003.04297", 2..=2, Nothing,
                "a query finds its key among a queue of older keys";
            MocoV3(MocoV3Config), "moco_v3", "MoCo v3", "arxiv.org/abs/2104.02057", 2..=2, Nothing,
                "a predicted query finds its key among the keys of the batch";
            Nnclr(NnclrConfig), "nnclr", "NNCLR", "arxiv.org/abs/2104.14548", 2..=2, Nothing,
                "SimCLR whose positive is the nearest neighbor in a queue";
            Swav(SwavConfig), "swav", "SwAV", "arxiv.org/abs/2006.09882", 2..=usize::MAX, Nothing,
                "views predict each other's clusters, which are balanced over the batch";
            Dino(DinoConfig), "dino", "DINO", "arxiv.org/abs/2104.14294", 2..=usize::MAX, Nothing,
                "a student predicts a centered and sharpened teacher from parts of the image";
            Ressl(ResslConfig), "ressl", "ReSSL", "arxiv.org/abs/2107.09282", 2..=2, Nothing,
                "a strong view has the same relations to a queue as a weak one";
            WMse(WMseConfig), "w_mse", "W-MSE", "arxiv.org/abs/2007.06346", 2..=usize::MAX, Nothing,
                "views are equal after the batch is whitened";
            Tico(TicoConfig), "tico", "TiCo", "arxiv.org/abs/2206.10698", 2..=2, Nothing,
                "invariance, and no directions that earlier batches used";
            Frossl(FrosslConfig), "frossl", "FroSSL", "arxiv.org/abs/2310.02903", 2..=usize::MAX, Nothing,
                "invariance, and a covariance of small Frobenius norm";
            Mmcr(MmcrConfig), "mmcr", "MMCR", "arxiv.org/abs/2303.03307", 2..=usize::MAX, Nothing,
                "mean views that fill the space, by their nuclear norm";
            EmpSsl(EmpSslConfig), "emp_ssl", "EMP-SSL", "arxiv.org/abs/2304.03977", 2..=usize::MAX, Nothing,
                "many patches near their mean, and a large coding rate";
            LeJepa(LeJepaConfig), "lejepa", "LeJEPA", "arxiv.org/abs/2511.08544", 1..=usize::MAX, Nothing,
                "views near their mean, and embeddings distributed as a normal";
            VisReg(VisRegConfig), "visreg", "VISReg", "arxiv.org/abs/2606.02572", 1..=usize::MAX, Nothing,
                "views near their mean, and a center, scale and shape of the embeddings";
            DirectClr(DirectClrConfig), "direct_clr", "DirectCLR", "arxiv.org/abs/2110.09348", 2..=2, Nothing,
                "SimCLR without a projector, on the first features alone";
            AlignUniform(AlignUniformConfig), "align_uniform", "Alignment and uniformity", "arxiv.org/abs/2005.10242", 2..=2, Nothing,
                "close views, and embeddings spread over the sphere";
            SupCon(SupConConfig), "sup_con", "SupCon", "arxiv.org/abs/2004.11362", 2..=2, Labels,
                "SimCLR where images of one class attract, too";
            Msn(MsnConfig), "msn", "MSN", "arxiv.org/abs/2204.07141", 2..=usize::MAX, Tokens,
                "masked views have the cluster of the whole one";
            Mae(MaeConfig), "mae", "MAE", "arxiv.org/abs/2111.06377", 1..=1, Tokens,
                "the pixels of hidden patches from the others";
            SimMim(SimMimConfig), "simmim", "SimMIM", "arxiv.org/abs/2111.09886", 1..=1, Tokens,
                "the pixels of masked patches by a linear layer";
        }
    };
}

pub(crate) use for_all_methods;
