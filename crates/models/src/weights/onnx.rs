//! Networks as ONNX, for runtimes without Rust.

use burn::tensor::{Tensor, TensorData};
use burn_onnx::export::{AxisSpec, ExportError, InputSpec, OnnxExporter};

use crate::Backbone;

/// The images that an exported network takes.
///
/// # Example
/// See [`to_onnx`].
#[derive(Clone, Debug, PartialEq)]
pub struct OnnxInput {
    /// Channels, height and width of an image. Only the number of images may vary.
    pub image: [usize; 3],
    /// Mean and standard deviation of each channel, which the exported network subtracts and divides
    /// by; `None` for images that are normalized already.
    pub normalization: Option<[Vec<f32>; 2]>,
}

/// The reason why a network cannot be exported.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OnnxError {
    /// The exporter has no ONNX for an operation of the network.
    #[error("burn-onnx cannot export operation {operation} of the network, {kind}")]
    Unsupported {
        /// How many operations are before it.
        operation: usize,
        /// Its kind, as burn names it.
        kind: String,
    },
    /// Anything else that the exporter says.
    #[error("the network cannot be exported")]
    Export(#[source] ExportError),
}

impl From<ExportError> for OnnxError {
    fn from(error: ExportError) -> Self {
        match error {
            ExportError::UnsupportedOperation { operation, kind } => {
                Self::Unsupported { operation, kind: short_kind(&kind) }
            }
            other => Self::Export(other),
        }
    }
}

/// Returns the name of an operation from what the exporter prints of it, such as `MeanDim` from
/// `NumericFloat(F32, MeanDim(ReduceDimOpIr { … }))`.
fn short_kind(printed: &str) -> String {
    let Some((head, _)) = printed.split_once('{') else { return printed.to_owned() };
    let mut words = head.split(['(', ',', ' ']).filter(|word| !word.is_empty()).rev();
    words.nth(1).unwrap_or(head).to_owned()
}

/// Returns the bytes of an ONNX model, opset 18, that maps images to the features of
/// [`forward`](Backbone::forward) in inference.
///
/// Its input is `[batch, channel, height, width]` of any batch size, its output `[batch, d_output]`.
/// The exporter, that of `burn-onnx`, is experimental: residual networks can be exported, vision
/// transformers cannot yet.
///
/// # Errors
/// If the exporter cannot express an operation of the network.
///
/// # Panics
/// If the images are not of a size that the network takes, or `normalization` has not one value for
/// each channel.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_models::{OnnxInput, ResNetConfig, to_onnx};
///
/// let resnet = ResNetConfig::resnet10(2).init(0, &Device::flex());
/// let normalization = Some([vec![0.5; 3], vec![0.25; 3]]);
/// let bytes = to_onnx(&resnet, &OnnxInput { image: [3, 32, 32], normalization })?;
/// assert!(!bytes.is_empty());
/// # Ok::<(), selfsame_models::OnnxError>(())
/// ```
pub fn to_onnx<B>(network: &B, input: &OnnxInput) -> Result<Vec<u8>, OnnxError>
where
    B: Backbone<Input = Tensor<4>>,
{
    let [channels, height, width] = input.image;
    if let Some(normalization) = &input.normalization {
        let counts = normalization.each_ref().map(Vec::len);
        assert_eq!(counts, [channels; 2], "one mean and one deviation for each channel");
    }
    // A copy: the exporter moves the running statistics of what it is given to its device.
    let network = network.valid();
    let device = network.devices().into_iter().next().unwrap_or_default();
    let images = |batch| Tensor::zeros([batch, channels, height, width], &device);
    let axes = [AxisSpec::dynamic("batch"), AxisSpec::Static, AxisSpec::Static, AxisSpec::Static];
    let forward = |network: &B, images: Tensor<4>| {
        let device = images.device();
        let of_channels = |values: &Vec<f32>| {
            Tensor::<4>::from_data(TensorData::new(values.clone(), [1, channels, 1, 1]), &device)
        };
        network.forward(match &input.normalization {
            Some([mean, deviation]) => (images - of_channels(mean)) / of_channels(deviation),
            None => images,
        })
    };
    let exporter = OnnxExporter::new();
    // Two batch sizes, by which the exporter sees what depends on them.
    let spec = [InputSpec::new(axes)];
    let model = exporter.export_dynamic(&network, images(2), images(3), &spec, forward);
    // The export of a single size names an operation that it does not know.
    let model = model
        .map_err(|error| exporter.export(&network, images(2), forward).err().unwrap_or(error))?;
    Ok(model.into_bytes())
}
