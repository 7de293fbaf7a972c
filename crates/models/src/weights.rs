//! Weights in files, with one entry per parameter: under the names of this crate, and under those of
//! PyTorch's networks.

mod checksum;
mod error;
mod file;
#[cfg(feature = "onnx")]
mod onnx;
mod parameters;
mod pytorch;

use std::collections::HashMap;

use burn::module::Module;
use safetensors::tensor::{Dtype, TensorView};

use self::checksum::with_checksum;
pub use self::error::{Difference, Mismatch, WeightsError};
pub use self::file::WeightsFile;
use self::file::{Tensors, Wanted};
#[cfg(feature = "onnx")]
pub use self::onnx::{OnnxError, OnnxInput, to_onnx};
use self::parameters::{fill, parameters};
pub use self::pytorch::{Loaded, to_pytorch};

/// Returns the bytes of a safetensors file with every parameter and running statistic of `module`.
///
/// The same weights give the same bytes. `about` is kept in the header under the key `selfsame`.
/// Pass the configuration as a JSON object, so that the file says how to build the network it belongs
/// to; a checksum of it and of all tensors is added to the object, by which a damaged file is noticed.
/// Names are the paths of the parameters; [`to_pytorch`] writes those of PyTorch.
///
/// # Errors
/// If the tensors cannot be serialized.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_models::{ResNetConfig, from_safetensors, to_safetensors};
///
/// let device = Device::flex();
/// let config = ResNetConfig::resnet10(2);
/// let trained = config.init(7, &device);
/// let bytes = to_safetensors(&trained, "{}")?;
/// let restored = from_safetensors(config.init(0, &device), &bytes)?;
/// assert_eq!(to_safetensors(&restored, "{}")?, bytes);
/// # Ok::<(), selfsame_models::WeightsError>(())
/// ```
pub fn to_safetensors<M: Module>(module: &M, about: &str) -> Result<Vec<u8>, WeightsError> {
    let entries = parameters(module).into_iter().map(|parameter| {
        let bytes = bytes_of(&parameter.values());
        Entry { name: parameter.path(), dtype: Dtype::F32, shape: parameter.shape, bytes }
    });
    serialize(&entries.collect::<Vec<_>>(), about)
}

/// Returns `module` with the weights of a safetensors file written by [`to_safetensors`].
///
/// Values of double or half precision are converted to single precision.
///
/// # Errors
/// If the bytes are not a safetensors file, or a name or shape differs from that of the module; all
/// that differ are named, and the module is dropped unchanged.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_models::{ResNetConfig, WeightsError, from_safetensors, to_safetensors};
///
/// let device = Device::flex();
/// let bytes = to_safetensors(&ResNetConfig::resnet10(2).init(0, &device), "")?;
/// let wider = from_safetensors(ResNetConfig::resnet10(4).init(0, &device), &bytes);
/// assert!(matches!(wider, Err(WeightsError::Mismatch(_))));
/// # Ok::<(), WeightsError>(())
/// ```
pub fn from_safetensors<M: Module>(module: M, bytes: &[u8]) -> Result<M, WeightsError> {
    let tensors = Tensors::from_safetensors(bytes.to_vec())?;
    let wanted: Vec<Wanted> = parameters(&module)
        .into_iter()
        .map(|parameter| {
            let path = parameter.path();
            Wanted { name: path.clone(), path, shape: parameter.shape, is_transposed: false }
        })
        .collect();
    let is_wanted = |name: &&String| wanted.iter().any(|wanted| wanted.name == **name);
    let unused = tensors.names().filter(|name| !is_wanted(name)).cloned().collect();
    Ok(fill(module, tensors.read(&wanted, unused)?))
}

/// The key of what a file says about itself.
const ABOUT: &str = "selfsame";

/// A tensor to be written.
struct Entry {
    name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

fn bytes_of(values: &[f32]) -> Vec<u8> {
    values.iter().copied().flat_map(f32::to_le_bytes).collect()
}

fn serialize(entries: &[Entry], about: &str) -> Result<Vec<u8>, WeightsError> {
    let mut sorted: Vec<&Entry> = entries.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    let sorted = sorted.into_iter().map(|e| (e.name.as_str(), &e.shape[..], &e.bytes[..]));
    let about = with_checksum(about, sorted);
    let views: Vec<(&str, TensorView<'_>)> = entries
        .iter()
        .map(|Entry { name, dtype, shape, bytes }| {
            Ok((name.as_str(), TensorView::new(*dtype, shape.clone(), bytes)?))
        })
        .collect::<Result<_, safetensors::SafeTensorError>>()?;
    // One entry only: the order of several would differ from run to run.
    let about = HashMap::from([(ABOUT.to_owned(), about)]);
    Ok(safetensors::serialize(views, Some(about))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ResNetConfig;
    use burn::tensor::Device;

    #[test]
    fn weights_of_another_width_are_refused_by_name() {
        let device = Device::flex();
        let bytes = to_safetensors(&ResNetConfig::resnet10(2).init(0, &device), "").unwrap();
        let error =
            from_safetensors(ResNetConfig::resnet10(4).init(0, &device), &bytes).unwrap_err();
        let text = error.to_string();
        let first = "the file is of another network: `stem.conv.weight` is [2, 3, 3, 3] in the file \
                     and [4, 3, 3, 3] in the network; `stem.norm.gamma` is [2] in the file and [4]";
        assert!(text.starts_with(first), "{text}");
        let WeightsError::Mismatch(mismatch) = error else { panic!("{text}") };
        assert!(mismatch.missing.is_empty() && mismatch.unused.is_empty());
        assert_eq!(mismatch.different.len(), 60, "all of them");
        assert!(text.ends_with("; and 52 more"), "{text}");

        let shallow = ResNetConfig { blocks: vec![1], ..ResNetConfig::resnet10(2) };
        let error = from_safetensors(shallow.init(0, &device), &bytes).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(": the network has no `blocks.1.first.conv.weight`, `bl"), "{text}");
    }

    #[test]
    fn one_flipped_bit_in_the_weights_is_noticed() {
        let device = Device::flex();
        let network = || ResNetConfig::resnet10(2).init(3, &device);
        let good = to_safetensors(&network(), r#"{"encoder":"resnet10"}"#).unwrap();
        let header = 8 + safetensors::SafeTensors::read_metadata(&good).unwrap().0;
        for place in [header, header + 1_001, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[place] ^= 1 << (place % 8);
            let error = from_safetensors(network(), &bad).unwrap_err();
            assert!(matches!(error, WeightsError::Damaged), "{place}: {error}");
        }
        assert!(from_safetensors(network(), &good).is_ok());
    }

    #[test]
    fn a_file_from_the_training_device_fits_the_plain_one() {
        let train = Device::flex().autodiff();
        let trained = ResNetConfig::resnet10(2).init(3, &train);
        let bytes = to_safetensors(&trained, "{}").unwrap();
        let plain = from_safetensors(ResNetConfig::resnet10(2).init(0, &Device::flex()), &bytes);
        assert_eq!(to_safetensors(&plain.unwrap(), "{}").unwrap(), bytes);
        assert!(from_safetensors(trained, &bytes[..50]).is_err());
    }
}
