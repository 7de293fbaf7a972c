//! Weights under the names, and in the layout, of PyTorch's networks.

use std::collections::BTreeMap;

use safetensors::tensor::Dtype;

use super::file::{Wanted, transpose};
use super::parameters::{Parameter, fill, join, parameters};
use super::{Entry, WeightsError, WeightsFile, bytes_of, serialize};
use crate::Backbone;

/// First words of the names of what stands behind the encoder in torchvision's and timm's classifiers.
const HEADS: [&str; 2] = ["fc", "head"];

/// Returns the bytes of a safetensors file that PyTorch's counterpart of the network reads by
/// `load_state_dict(…, strict=True)`: torchvision's for a [`ResNet`](crate::ResNet), timm's for a
/// [`Vit`](crate::Vit), without the classifier.
///
/// Names are those of [`Backbone::pytorch_name`]. Linear weights are `[d_output, d_input]`, as PyTorch
/// has them; norms have a `weight`, a `bias`, and for batch norm a `num_batches_tracked`, which is 0.
/// The same weights give the same bytes. `about` is kept in the header under the key `selfsame`.
///
/// # Errors
/// If the tensors cannot be serialized.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_models::{ResNetConfig, to_pytorch};
///
/// let bytes = to_pytorch(&ResNetConfig::resnet10(1).init(0, &Device::flex()), "{}")?;
/// let text = String::from_utf8_lossy(&bytes);
/// assert!(text.contains(r#""layer4.0.bn1.num_batches_tracked":{"dtype":"I64","shape":[]"#));
/// # Ok::<(), selfsame_models::WeightsError>(())
/// ```
pub fn to_pytorch<B: Backbone>(network: &B, about: &str) -> Result<Vec<u8>, WeightsError> {
    let mut entries = Vec::new();
    for parameter in parameters(network) {
        let mut values = parameter.values();
        let mut shape = parameter.shape.clone();
        if is_transposed(&parameter) {
            shape.reverse();
            values = transpose(&values, &shape);
        }
        entries.extend(counter_name(network, &parameter).map(|name| Entry {
            name,
            dtype: Dtype::I64,
            shape: Vec::new(),
            bytes: vec![0; 8],
        }));
        let name = pytorch_name(network, &parameter);
        entries.push(Entry { name, dtype: Dtype::F32, shape, bytes: bytes_of(&values) });
    }
    serialize(&entries, about)
}

/// A network with the weights of a file.
///
/// # Example
/// See [`WeightsFile::load`].
#[derive(Debug)]
pub struct Loaded<B> {
    /// The network.
    pub network: B,
    /// What stood before every name in the file, such as `module.`; empty in files of bare networks.
    pub prefix: String,
    /// Names in the file that were not read, in order: a classifier, and all outside of `prefix`, such
    /// as the state of an optimizer.
    pub omitted: Vec<String>,
}

impl WeightsFile {
    /// Returns `network` with the weights of this file, which has the names of PyTorch's counterpart:
    /// torchvision's or timm's for a [`ResNet`](crate::ResNet), timm's for a [`Vit`](crate::Vit).
    ///
    /// The names may have anything in common before them, such as `module.` or `state_dict.backbone.`,
    /// but the network must be in the file only once ([`under`](Self::under) chooses). A classifier
    /// (`fc`, `head`) is omitted, as is everything outside of the
    /// network; both are listed in the result. Running statistics are read like parameters, and values
    /// of double or half precision are converted to single precision.
    ///
    /// Give it a network that was just created: the running statistics of its clones change too.
    ///
    /// # Errors
    /// If a parameter is missing or has another shape, or a tensor of the network in the file is not
    /// one of `network`; all that differ are named. If the file has the network more than once, or is
    /// damaged. The network is then dropped unchanged.
    ///
    /// # Example
    /// ```no_run
    /// use burn::tensor::Device;
    /// use selfsame_models::{ByolConfig, ResNetConfig, WeightsFile};
    ///
    /// // Pre-training that starts from torchvision's ResNet-50.
    /// let device = Device::flex().autodiff();
    /// let resnet = ResNetConfig::resnet50(64).with_large_stem().init(0, &device);
    /// let loaded = WeightsFile::open("resnet50.pth")?.load(resnet)?;
    /// assert_eq!(loaded.omitted, ["fc.bias", "fc.weight"]);
    /// let byol = ByolConfig::default().init(loaded.network, 0, &device);
    /// # Ok::<(), selfsame_models::WeightsError>(())
    /// ```
    pub fn load<B: Backbone>(&self, network: B) -> Result<Loaded<B>, WeightsError> {
        let parameters = parameters(&network);
        let names: Vec<String> =
            parameters.iter().map(|parameter| pytorch_name(&network, parameter)).collect();
        let prefix = self.prefix_of(&names)?;
        let counters: Vec<String> =
            parameters.iter().filter_map(|parameter| counter_name(&network, parameter)).collect();
        let (mut omitted, mut unused) = (Vec::new(), Vec::new());
        for name in self.names() {
            let inside = name.strip_prefix(&prefix);
            if inside.is_some_and(|name| [&names, &counters].iter().any(|n| has(n, name))) {
                continue;
            }
            let word = inside.and_then(|name| name.split('.').next());
            let list = match word {
                Some(word) if !HEADS.contains(&word) => &mut unused,
                _ => &mut omitted,
            };
            list.push(name.to_owned());
        }
        let wanted: Vec<Wanted> = parameters
            .into_iter()
            .zip(names)
            .map(|(parameter, name)| Wanted {
                path: parameter.path(),
                name: format!("{prefix}{name}"),
                is_transposed: is_transposed(&parameter),
                shape: parameter.shape,
            })
            .collect();
        let values = self.tensors.read(&wanted, unused)?;
        Ok(Loaded { network: fill(network, values), prefix, omitted })
    }

    /// Returns what stands before the names in the file: nothing, or words with a dot after each. The
    /// one that most names have counts.
    fn prefix_of(&self, names: &[String]) -> Result<String, WeightsError> {
        let mut counts = BTreeMap::<&str, usize>::new();
        for found in self.names() {
            let prefixes = names.iter().filter_map(|name| found.strip_suffix(name.as_str()));
            for prefix in prefixes.filter(|prefix| prefix.is_empty() || prefix.ends_with('.')) {
                *counts.entry(prefix).or_default() += 1;
            }
        }
        let is_whole = |count: usize| count == names.len();
        let whole = counts.iter().filter(|(_, count)| is_whole(**count));
        let prefixes: Vec<String> = whole.map(|(prefix, _)| (*prefix).to_owned()).collect();
        if prefixes.len() > 1 {
            return Err(WeightsError::Ambiguous { prefixes });
        }
        // Of several with as many, the shortest.
        let best = counts.into_iter().rev().max_by_key(|(_, count)| *count);
        Ok(best.map_or_else(String::new, |(prefix, _)| prefix.to_owned()))
    }
}

fn has(names: &[String], name: &str) -> bool {
    names.iter().any(|other| other == name)
}

/// Returns the name of a parameter in PyTorch's counterpart.
fn pytorch_name<B: Backbone>(network: &B, parameter: &Parameter) -> String {
    let is_norm = parameter.layer_type.ends_with("Norm");
    let name = match parameter.name.as_str() {
        "gamma" if is_norm => "weight",
        "beta" if is_norm => "bias",
        name => name,
    };
    in_layer(network, parameter, name)
}

/// Returns the name of a batch norm's counter of batches, for its running variance: it has one each.
fn counter_name<B: Backbone>(network: &B, parameter: &Parameter) -> Option<String> {
    (parameter.name == "running_var").then(|| in_layer(network, parameter, "num_batches_tracked"))
}

fn in_layer<B: Backbone>(network: &B, parameter: &Parameter, name: &str) -> String {
    match parameter.layer.as_str() {
        "" => name.to_owned(),
        layer => join(&network.pytorch_name(layer), name),
    }
}

/// Whether PyTorch has the transpose: burn's linear weights are `[d_input, d_output]`.
fn is_transposed(parameter: &Parameter) -> bool {
    parameter.layer_type == "Linear" && parameter.shape.len() == 2
}
