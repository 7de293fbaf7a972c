//! Features of several stages of an encoder, side by side.

use burn::tensor::Tensor;
use selfsame_models::Backbone;

use crate::TrainError;

/// Returns the forward pass that concatenates the features of the named stages of an encoder, in the
/// order of `names`.
///
/// It is what [`extract_features`](crate::extract_features) and its relatives take, so that a probe
/// can read several stages. The names are those of [`Backbone::stages`].
///
/// # Shapes
/// - input: `[batch, ...]`
/// - output: `[batch, sum of the widths of the stages]`
///
/// # Errors
/// If there are no names, a name is given twice, or the encoder has no such stage; the message lists
/// those it has.
///
/// # Source
/// Caron et al., 2021, [arXiv:2104.14294](https://arxiv.org/abs/2104.14294), section 4.1 and appendix
/// F.2, which joins the last four blocks. Deviation: the stages are chosen by name, and each is pooled
/// as the encoder pools.
///
/// # Example
/// ```
/// use std::sync::Arc;
///
/// use burn::tensor::Device;
/// use selfsame_augment::Recipe;
/// use selfsame_datasets::{Split, Synthetic, SyntheticConfig};
/// use selfsame_models::ResNetConfig;
/// use selfsame_train::{extract_features, joined_stages};
///
/// let config = SyntheticConfig { images: 5, size: 8, seed: 0, split: Split::Test };
/// let images = Arc::new(Synthetic::new(config));
/// let device = Device::flex();
/// let encoder = ResNetConfig::resnet10(2).init(0, &device);
/// let forward = joined_stages(&encoder, &["layer3", "layer4"])?;
/// let features = extract_features(images, &Recipe::evaluation(8), 5, &device, forward)?;
/// assert_eq!(features.dim(), 8 + 16);
/// # Ok::<(), selfsame_train::TrainError>(())
/// ```
pub fn joined_stages<'a, B: Backbone>(
    encoder: &'a B,
    names: &[&str],
) -> Result<impl Fn(B::Input) -> Tensor<2> + use<'a, B>, TrainError> {
    let refuse = |problem| TrainError::Setting { field: "stages", problem };
    let stages: Vec<String> = encoder.stages().into_iter().map(|(name, _)| name).collect();
    let known = || stages.join(", ");
    if names.is_empty() {
        return Err(refuse(format!("is empty; there are {}", known())));
    }
    let mut places = Vec::with_capacity(names.len());
    for name in names {
        let place = stages.iter().position(|stage| stage == name);
        let place = place.ok_or_else(|| refuse(format!("has `{name}`; there are {}", known())))?;
        if places.contains(&place) {
            return Err(refuse(format!("has `{name}` twice; give each stage once")));
        }
        places.push(place);
    }
    Ok(move |input| {
        let features = encoder.forward_stages(input);
        Tensor::cat(places.iter().map(|&place| features[place].clone()).collect(), 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, Distribution};
    use selfsame_models::ResNetConfig;

    #[test]
    fn the_columns_are_those_of_the_stages_in_the_order_of_the_names() {
        let device = Device::flex();
        let encoder = ResNetConfig::resnet10(2).init(0, &device);
        let images = Tensor::random([3, 3, 8, 8], Distribution::Default, &device);
        let stages = encoder.forward_stages(images.clone());
        let joined = joined_stages(&encoder, &["layer4", "stem"]).unwrap()(images.clone());
        let [last, first] = [joined.clone().narrow(1, 0, 16), joined.narrow(1, 16, 2)];
        last.into_data().assert_eq(&stages[4].to_data(), true);
        first.into_data().assert_eq(&stages[0].to_data(), true);
        let alone = joined_stages(&encoder, &["layer4"]).unwrap()(images.clone());
        alone.into_data().assert_eq(&encoder.forward(images).into_data(), true);
    }

    #[test]
    fn stages_that_there_are_not_are_named_with_those_there_are() {
        let encoder = ResNetConfig::resnet10(1).init(0, &Device::flex());
        for (names, reason) in [
            (&["layer5"][..], "has `layer5`; there are stem, layer1, layer2, layer3, layer4"),
            (&[], "is empty; there are stem"),
            (&["stem", "stem"], "has `stem` twice"),
        ] {
            let error = joined_stages(&encoder, names).err().unwrap().to_string();
            assert!(error.contains(reason), "{error}");
        }
    }
}
