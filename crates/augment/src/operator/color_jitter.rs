//! Random changes of brightness, contrast, saturation and hue.

use std::fmt;

use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use super::parameters::{InvalidField, Parameters, check, single};
use crate::{PixelOp, PlanStep};

/// Changes brightness, contrast, saturation and hue.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColorJitter {
    /// Strength of brightness, 0 to 10: the factor is uniform in `1 ± brightness`, at least 0; the
    /// shift of [`TensorFlowAdded`](JitterConvention::TensorFlowAdded) is uniform in
    /// `± brightness`.
    pub brightness: f64,
    /// Strength of contrast, 0 to 10: the factor is uniform in `1 ± contrast`, at least 0.
    pub contrast: f64,
    /// Strength of saturation, 0 to 10: the factor is uniform in `1 ± saturation`, at least 0.
    pub saturation: f64,
    /// Strength of hue, 0 to 0.5: the shift is uniform in `± hue`, where 1 is a whole turn.
    pub hue: f64,
    /// The formulas and their order. Default: torchvision's.
    #[serde(default)]
    pub convention: JitterConvention,
    /// Probability of acting, 0 to 1.
    pub probability: f64,
}

/// The formulas of a [`ColorJitter`] and the order in which they are applied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum JitterConvention {
    /// torchvision: a random order, [`brightness`](crate::brightness),
    /// [`contrast`](crate::contrast) about the mean gray, [`saturation`](crate::saturation) about
    /// the pixel's gray, [`hue`](crate::hue).
    #[default]
    #[serde(rename = "torchvision")]
    Torchvision,
    /// `TensorFlow`, as in `SimCLR`'s second version: a random order,
    /// [`brightness`](crate::brightness), [`channel_contrast`](crate::channel_contrast),
    /// [`hsv_saturation`](crate::hsv_saturation), [`hue`](crate::hue).
    #[serde(rename = "tensorflow")]
    TensorFlow,
    /// `TensorFlow`, as in `SimCLR`'s first version: [`add_brightness`](crate::add_brightness),
    /// [`channel_contrast`](crate::channel_contrast), [`hsv_saturation`](crate::hsv_saturation),
    /// [`hue`](crate::hue), always in this order.
    #[serde(rename = "tensorflow_added")]
    TensorFlowAdded,
}

impl Parameters for ColorJitter {
    fn probability(&self) -> f64 {
        self.probability
    }

    fn invalid_field(&self) -> Option<InvalidField> {
        let factor = |name, x: f64| check(name, (0.0..=10.0).contains(&x), "0 to 10");
        factor("brightness", self.brightness)
            .or_else(|| factor("contrast", self.contrast))
            .or_else(|| factor("saturation", self.saturation))
            .or_else(|| check("hue", (0.0..=0.5).contains(&self.hue), "0 to 0.5"))
    }

    fn draw(&self, _: [usize; 2], rng: &mut impl Rng) -> PlanStep {
        use JitterConvention::{TensorFlow, TensorFlowAdded, Torchvision};
        let mut within = |middle: f64, spread: f64, low: f64| {
            single(rng.random_range((middle - spread).max(low)..=middle + spread))
        };
        let brightness = match self.convention {
            TensorFlowAdded => PixelOp::AddBrightness(within(0.0, self.brightness, -1.0)),
            Torchvision | TensorFlow => PixelOp::Brightness(within(1.0, self.brightness, 0.0)),
        };
        let contrast = within(1.0, self.contrast, 0.0);
        let saturation = within(1.0, self.saturation, 0.0);
        let [contrast, saturation] = match self.convention {
            Torchvision => [PixelOp::Contrast(contrast), PixelOp::Saturation(saturation)],
            TensorFlow | TensorFlowAdded => {
                [PixelOp::ChannelContrast(contrast), PixelOp::HsvSaturation(saturation)]
            }
        };
        let hue = PixelOp::Hue(within(0.0, self.hue, -0.5));
        let mut ops = [brightness, contrast, saturation, hue];
        if self.convention != TensorFlowAdded {
            for last in (1..4).rev() {
                ops.swap(last, rng.random_range(0..=last));
            }
        }
        ops.into()
    }
}

impl fmt::Display for ColorJitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { brightness, contrast, saturation, hue, convention, .. } = self;
        let (added, each, hsv, order) = match convention {
            JitterConvention::Torchvision => ("", "", "", ""),
            JitterConvention::TensorFlow => ("", " (channel by channel)", " (of HSV)", ""),
            JitterConvention::TensorFlowAdded => {
                (" (added)", " (channel by channel)", " (of HSV)", ", in this order")
            }
        };
        write!(
            f,
            "color jitter: brightness {brightness}{added}, contrast {contrast}{each}, \
             saturation {saturation}{hsv}, hue {hue}{order}"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Operator, ViewKey};

    #[test]
    fn jitter_draws_from_its_ranges_in_every_order() {
        let jitter = Operator::from(ColorJitter {
            brightness: 0.4,
            contrast: 2.0,
            saturation: 0.0,
            hue: 0.1,
            convention: JitterConvention::Torchvision,
            probability: 0.8,
        });
        let mut rng = ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 }.rng();
        let (mut skipped, mut first, mut contrast_sum, draws) = (0.0, [0; 4], 0.0, 4_000);
        for _ in 0..draws {
            let PlanStep::Pixels(ops) = jitter.draw([8, 8], &mut rng) else {
                skipped += 1.0;
                continue;
            };
            assert!(ops.iter().all(Option::is_some), "four changes, not {ops:?}");
            for (place, op) in ops.into_iter().flatten().enumerate() {
                let (kind, in_range) = match op {
                    PixelOp::Brightness(x) => (0, (0.6..=1.4).contains(&x)),
                    PixelOp::Contrast(x) => {
                        contrast_sum += x;
                        (1, (0.0..=3.0).contains(&x))
                    }
                    PixelOp::Saturation(x) => (2, x == 1.0),
                    PixelOp::Hue(x) => (3, (-0.1..=0.1).contains(&x)),
                    other => panic!("{other:?} is not torchvision's"),
                };
                assert!(in_range, "{op:?}");
                if place == 0 {
                    first[kind] += 1;
                }
            }
        }
        // Within four standard errors.
        let draws = f64::from(draws);
        assert!((skipped / draws - 0.2).abs() < 4.0 * 0.4 / draws.sqrt(), "{skipped}");
        let acted = draws - skipped;
        let mean = f64::from(contrast_sum) / acted;
        assert!((mean - 1.5).abs() < 4.0 * 0.866 / acted.sqrt(), "{mean}");
        for count in first {
            assert!(
                (f64::from(count) / acted - 0.25).abs() < 4.0 * 0.433 / acted.sqrt(),
                "{first:?}"
            );
        }
    }

    #[test]
    fn a_jitter_has_torchvisions_formulas_unless_it_says_otherwise() {
        let jitter = |convention: &str| -> Operator {
            let text = format!(
                r#"{{"op": "color_jitter", "brightness": 0.4, "contrast": 0.4, "saturation": 0.4,
                "hue": 0.1, {convention}"probability": 1.0}}"#
            );
            serde_json::from_str(&text).unwrap()
        };
        let kinds = |jitter: &Operator| {
            let mut rng = ViewKey { seed: 0, epoch: 0, sample: 0, view: 0 }.rng();
            let PlanStep::Pixels(ops) = jitter.draw([8, 8], &mut rng) else { panic!("a jitter") };
            let kind = |op: PixelOp| match op {
                PixelOp::Brightness(_) => "brightness",
                PixelOp::AddBrightness(_) => "added brightness",
                PixelOp::Contrast(_) => "contrast",
                PixelOp::ChannelContrast(x) if (0.6..=1.4).contains(&x) => "contrast of channels",
                PixelOp::Saturation(_) => "saturation",
                PixelOp::HsvSaturation(x) if (0.6..=1.4).contains(&x) => "saturation of HSV",
                PixelOp::Hue(_) => "hue",
                other => panic!("{other:?}"),
            };
            ops.map(|op| kind(op.unwrap()))
        };
        let sorted = |jitter: &Operator| {
            let mut kinds = kinds(jitter);
            kinds.sort_unstable();
            kinds
        };
        assert_eq!(sorted(&jitter("")), ["brightness", "contrast", "hue", "saturation"]);
        let found = jitter(r#""convention": "tensorflow", "#);
        let want = ["brightness", "contrast of channels", "hue", "saturation of HSV"];
        assert_eq!(sorted(&found), want);
        let found = jitter(r#""convention": "tensorflow_added", "#);
        let want = ["added brightness", "contrast of channels", "saturation of HSV", "hue"];
        assert_eq!(kinds(&found), want);
        assert!(found.to_string().contains("contrast 0.4 (channel by channel)"), "{found}");
    }
}
