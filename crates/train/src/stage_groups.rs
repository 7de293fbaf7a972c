//! Learning rates by the depth of a layer.

use std::collections::BTreeMap;

use burn::module::{ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;
use selfsame_models::Backbone;
use selfsame_optim::{ParameterGroup, Schedule};

/// Groups the parameters of an encoder by stage, each with the schedule of its depth.
///
/// ```text
/// stage(w) = the first stage whose features depend on the parameter w
/// depth(w) = (number of stages − 1) − stage(w)
/// ```
/// The last stage has depth 0. What a parameter belongs to is found by a backward pass from each of
/// [`stages`](Backbone::stages), so it holds for every encoder, whatever its parts are called.
/// Parameters without a gradient, such as frozen ones, are in no group of their own. The encoder
/// stays as it is.
///
/// # Shapes
/// - `input`: `[batch, ...]` on an autodiff device, a few samples of the kind it is trained on
///
/// `path` is that of the encoder in the module that is trained: `encoder` in a
/// [`Classifier`](selfsame_models::Classifier).
///
/// # Source
/// Clark et al., 2020, [arXiv:2003.10555](https://arxiv.org/abs/2003.10555), section A.2, as `BEiT` and
/// MAE fine-tune. Deviation: by stages, which are blocks in a transformer and the four groups of
/// blocks in a `ResNet`.
///
/// # Example
/// ```
/// use burn::tensor::{Device, Tensor};
/// use selfsame_models::ResNetConfig;
/// use selfsame_optim::Schedule;
/// use selfsame_train::stage_groups;
///
/// let device = Device::flex().autodiff();
/// let encoder = ResNetConfig::resnet10(1).init(0, &device);
/// let rate = |depth| Schedule::warmup_cosine(0.1 * 0.5_f64.powi(depth), 10);
/// let groups = stage_groups(&encoder, Tensor::ones([2, 3, 8, 8], &device), "encoder", rate);
/// let rates: Vec<_> =
///     groups.iter().map(|group| (group.path.as_str(), group.schedule.unwrap().peak())).collect();
/// assert_eq!(rates[0], ("encoder.blocks.0", 0.0125), "layer1, below layer2, layer3 and layer4");
/// assert_eq!(rates.last(), Some(&("encoder.stem", 0.00625)));
/// ```
#[must_use]
pub fn stage_groups<B: Backbone>(
    encoder: &B,
    input: B::Input,
    path: &str,
    schedule: impl Fn(i32) -> Schedule,
) -> Vec<ParameterGroup> {
    let encoder = encoder.valid().train(); // batch norm changes its buffers, which clones share
    let stages = encoder.stages().len();
    let mut found = FirstStages::default();
    for stage in 0..stages {
        let features = encoder.forward_stages(input.clone()).swap_remove(stage);
        if !features.is_tracked() {
            continue;
        }
        let gradients = GradientsParams::from_grads(features.sum().backward(), &encoder);
        encoder.visit(&mut Reached { found: &mut found, gradients, here: Vec::new(), stage });
    }
    let mut covers = Vec::new();
    cover(&[path.to_owned()], &found.0.into_iter().collect::<Vec<_>>(), &mut covers);
    covers
        .into_iter()
        .map(|(path, stage)| {
            let depth = i32::try_from(stages - 1 - stage).unwrap_or(i32::MAX);
            ParameterGroup::new(path).with_schedule(schedule(depth))
        })
        .collect()
}

/// The first stage that each parameter has a part in, by the components of its path.
#[derive(Default)]
struct FirstStages(BTreeMap<Vec<String>, Option<usize>>);

/// Notes the parameters that a stage's gradients reach.
struct Reached<'a> {
    found: &'a mut FirstStages,
    gradients: GradientsParams,
    here: Vec<String>,
    stage: usize,
}

impl ModuleVisitor for Reached<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.here.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.here.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let is_reached = self.gradients.get::<D>(param.id).is_some();
        let first = self.found.0.entry(self.here.clone()).or_default();
        *first = first.or(is_reached.then_some(self.stage));
    }
}

/// Adds the shortest paths under which all parameters are of one stage; those of none do not count.
fn cover(
    path: &[String],
    parameters: &[(Vec<String>, Option<usize>)],
    covers: &mut Vec<(String, usize)>,
) {
    let mut stages: Vec<usize> = parameters.iter().filter_map(|(_, stage)| *stage).collect();
    stages.sort_unstable();
    stages.dedup();
    match stages[..] {
        [] => {}
        [stage] => covers.push((path.join("."), stage)),
        _ => {
            let mut parts: BTreeMap<&String, Vec<_>> = BTreeMap::new();
            for (rest, stage) in parameters {
                if let Some((first, rest)) = rest.split_first() {
                    parts.entry(first).or_default().push((rest.to_vec(), *stage));
                }
            }
            for (name, parameters) in parts {
                cover(&[path, std::slice::from_ref(name)].concat(), &parameters, covers);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::module::Module;
    use burn::tensor::Device;
    use selfsame_models::{AnyBackbone, backbone};

    /// The paths of all groups with their depths.
    fn depths(encoder: &AnyBackbone, side: usize) -> Vec<(String, f64)> {
        let input = Tensor::ones([2, 3, side, side], &Device::flex().autodiff());
        let groups = stage_groups(encoder, input, "e", |depth| Schedule::constant(depth.into()));
        groups.into_iter().map(|group| (group.path, group.schedule.unwrap().peak())).collect()
    }

    fn small(name: &str) -> AnyBackbone {
        let config = backbone(name).unwrap().for_images(32).with_width(8);
        config.init(0, &Device::flex().autodiff())
    }

    fn assert_groups(found: &[(String, f64)], want: &[(&str, f64)]) {
        let found: Vec<(&str, f64)> =
            found.iter().map(|(path, depth)| (path.as_str(), *depth)).collect();
        assert_eq!(found, want);
    }

    #[test]
    fn blocks_of_a_residual_network_have_the_depth_of_their_layer() {
        let want = [
            ("e.blocks.0", 3.0),
            ("e.blocks.1", 3.0),
            ("e.blocks.2", 2.0),
            ("e.blocks.3", 2.0),
            ("e.blocks.4", 1.0),
            ("e.blocks.5", 1.0),
            ("e.blocks.6", 0.0),
            ("e.blocks.7", 0.0),
            ("e.stem", 4.0),
        ];
        assert_groups(&depths(&small("resnet18"), 32), &want);
    }

    #[test]
    fn what_embeds_the_patches_of_a_transformer_is_as_deep_as_its_first_block() {
        let found = depths(&small("vit_tiny"), 32);
        let depth = |path: &str| {
            let group = found.iter().find(|(found, _)| found == path);
            group.unwrap_or_else(|| panic!("no {path} in {found:?}")).1
        };
        let blocks = found.iter().filter(|(path, _)| path.starts_with("e.blocks.")).count();
        assert!((depth("e.norm") - 0.0).abs() < 1e-9);
        assert!((depth(&format!("e.blocks.{}", blocks - 1)) - 1.0).abs() < 1e-9);
        assert!((depth("e.blocks.0") - blocks as f64).abs() < 1e-9);
        let deepest = found.iter().map(|group| group.1).fold(0.0, f64::max);
        assert!((deepest - blocks as f64).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn a_frozen_encoder_has_no_groups_and_one_frozen_part_does_not_split_its_stage() {
        assert!(depths(&small("resnet18").no_grad(), 32).is_empty());
        // The weights of its first layer are frozen, and its bias is not.
        let want =
            [("e.first", 2.0), ("e.groups.0", 2.0), ("e.groups.1", 1.0), ("e.groups.2", 0.0)];
        assert_groups(&depths(&small("airbench"), 32), &want);
    }
}
