//! The one list of all methods, from which names, settings and [`AnyMethod`](crate::AnyMethod) are made.

/// Calls a macro with a row for each method:
/// `Type(Config), "key", "title", "paper", views, Needs, "about";`
macro_rules! for_all_methods {
    ($then:ident) => {
        $then! {
            SimClr(SimClrConfig), "simclr", "SimCLR", "2002.05709", 2..=2, Nothing,
                "views of an image attract, all other images of the batch repel";
            SimSiam(SimSiamConfig), "simsiam", "SimSiam", "2011.10566", 2..=2, Nothing,
                "a predictor of the other view, whose gradient is stopped";
            BarlowTwins(BarlowTwinsConfig), "barlow_twins", "Barlow Twins", "2103.03230", 2..=2, Nothing,
                "equal features of two views, each feature unlike the others";
            Vicreg(VicregConfig), "vicreg", "VICReg", "2105.04906", 2..=2, Nothing,
                "invariance, a floor for the variance, and no covariance";
            Byol(ByolConfig), "byol", "BYOL", "2006.07733", 2..=2, Nothing,
                "a predictor of the other view as a moving average sees it";
            MocoV2(MocoV2Config), "moco_v2", "MoCo v2", "2003.04297", 2..=2, Nothing,
                "a query finds its key among a queue of older keys";
            Dino(DinoConfig), "dino", "DINO", "2104.14294", 2..=usize::MAX, Nothing,
                "a student predicts a centered and sharpened teacher from parts of the image";
        }
    };
}

pub(crate) use for_all_methods;
