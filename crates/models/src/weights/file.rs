//! Files of named tensors, as safetensors and as PyTorch writes them.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Read;
use std::ops::Range;
use std::path::Path;

use burn::tensor::{bf16, f16};
use pytorch_reader::{DType, PytorchReader};
use safetensors::tensor::{Dtype, SafeTensors};

use super::checksum::is_intact;
use super::{ABOUT, Difference, Mismatch, WeightsError};

/// Weights in a file, by name: safetensors, or a checkpoint of PyTorch (`.pth`, `.pt`).
///
/// The format is recognized by the content. A checkpoint is any that `torch.save` has ever written; its
/// tensors are read without PyTorch, and no code in it is run. Tensors in nested dictionaries have the
/// names of these before theirs, such as `state_dict.module.conv1.weight`.
///
/// [`load`](Self::load) gives the weights to a network.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_models::{Backbone, ResNetConfig, WeightsFile, to_pytorch};
///
/// let folder = std::env::temp_dir().join(format!("selfsame-weights-{}", std::process::id()));
/// std::fs::create_dir_all(&folder)?;
/// let path = folder.join("resnet10.safetensors");
/// let (config, device) = (ResNetConfig::resnet10(2), Device::flex());
/// std::fs::write(&path, to_pytorch(&config.init(7, &device), "")?)?;
///
/// let file = WeightsFile::open(&path)?;
/// assert!(file.names().any(|name| name == "layer2.0.downsample.1.running_var"));
/// let network = file.load(config.init(0, &device))?.network;
/// assert_eq!(to_pytorch(&network, "")?, std::fs::read(&path)?);
/// # std::fs::remove_dir_all(&folder)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct WeightsFile {
    pub(super) tensors: Tensors,
}

impl WeightsFile {
    /// Opens a file. The tensors of a checkpoint are read when they are used.
    ///
    /// # Errors
    /// If the file cannot be read, is in neither format, or is damaged. Of files written here every
    /// flipped bit of the weights is noticed, by their checksum.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, WeightsError> {
        let path = path.as_ref();
        let open = |source| WeightsError::Open { path: path.to_owned(), source };
        let mut start = Vec::new();
        File::open(path).and_then(|file| file.take(9).read_to_end(&mut start)).map_err(open)?;
        let tensors = if is_safetensors(&start) {
            Tensors::from_safetensors(fs::read(path).map_err(open)?)?
        } else {
            let checkpoint = PytorchReader::new(path).map_err(WeightsError::format)?;
            Tensors::from_checkpoint(checkpoint)
        };
        Ok(Self { tensors })
    }

    /// Returns the names of the tensors, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.names().map(String::as_str)
    }

    /// Returns what the file says about itself: the `about` of whoever wrote it here.
    ///
    /// # Example
    /// ```
    /// use burn::tensor::Device;
    /// use selfsame_models::{ResNetConfig, WeightsFile, to_pytorch};
    ///
    /// let folder = std::env::temp_dir().join(format!("selfsame-about-{}", std::process::id()));
    /// std::fs::create_dir_all(&folder)?;
    /// let path = folder.join("encoder.safetensors");
    /// let network = ResNetConfig::resnet10(2).init(0, &Device::flex());
    /// std::fs::write(&path, to_pytorch(&network, r#"{"epochs": 3}"#)?)?;
    /// assert!(WeightsFile::open(&path)?.about().is_some_and(|about| about.contains("epochs")));
    /// # std::fs::remove_dir_all(&folder)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn about(&self) -> Option<&str> {
        self.tensors.about.as_deref()
    }

    /// Returns the file with only the tensors under `prefix`, such as `teacher` or
    /// `state_dict.module.encoder_q`, which keep their full names.
    ///
    /// # Example
    /// ```no_run
    /// let file = selfsame_models::WeightsFile::open("dino.pth")?.under("teacher");
    /// # Ok::<(), selfsame_models::WeightsError>(())
    /// ```
    #[must_use]
    pub fn under(mut self, prefix: &str) -> Self {
        let prefix = format!("{}.", prefix.trim_end_matches('.'));
        self.tensors.entries.retain(|name, _| name.starts_with(&prefix));
        self
    }
}

/// Whether a file that starts like this is safetensors: the length of a header, below the limit of the
/// format, then the header's brace.
fn is_safetensors(start: &[u8]) -> bool {
    let length = start.first_chunk().map(|bytes| u64::from_le_bytes(*bytes));
    length.is_some_and(|length| length <= 100_000_000) && start.get(8) == Some(&b'{')
}

/// Tensors by name.
#[derive(Clone, Debug)]
pub(super) struct Tensors {
    entries: BTreeMap<String, Entry>,
    /// The content of a safetensors file.
    bytes: Vec<u8>,
    /// What a safetensors file says about itself.
    about: Option<String>,
}

#[derive(Clone, Debug)]
struct Entry {
    shape: Vec<usize>,
    element: Element,
    place: Place,
}

/// The type of an element.
#[derive(Clone, Debug)]
enum Element {
    F64,
    F32,
    F16,
    BF16,
    /// One that weights do not have, by its name.
    Other(String),
}

#[derive(Clone, Debug)]
enum Place {
    Bytes(Range<usize>),
    Checkpoint(pytorch_reader::Tensor),
}

/// A parameter to be read.
pub(super) struct Wanted {
    /// Its path in the network.
    pub(super) path: String,
    /// Its name in the file.
    pub(super) name: String,
    /// Its shape in the network.
    pub(super) shape: Vec<usize>,
    /// Whether the file has the transpose of this matrix.
    pub(super) is_transposed: bool,
}

impl Wanted {
    /// Returns the shape in the file.
    fn shape_in_file(&self) -> Vec<usize> {
        let mut shape = self.shape.clone();
        if self.is_transposed {
            shape.reverse();
        }
        shape
    }
}

impl Tensors {
    pub(super) fn from_safetensors(bytes: Vec<u8>) -> Result<Self, WeightsError> {
        let (header, metadata) =
            SafeTensors::read_metadata(&bytes).map_err(WeightsError::format)?;
        let start = 8 + header; // the length of the header is before it
        let entries = metadata.tensors().into_iter().map(|(name, info)| {
            let element = match info.dtype {
                Dtype::F64 => Element::F64,
                Dtype::F32 => Element::F32,
                Dtype::F16 => Element::F16,
                Dtype::BF16 => Element::BF16,
                other => Element::Other(format!("{other:?}")),
            };
            let (first, end) = info.data_offsets;
            let place = Place::Bytes(start + first..start + end);
            (name, Entry { shape: info.shape.clone(), element, place })
        });
        let about = metadata.metadata().as_ref().and_then(|about| about.get(ABOUT)).cloned();
        let tensors = Self { entries: entries.collect(), bytes, about };
        match &tensors.about {
            Some(about) if !is_intact(about, tensors.in_file()) => Err(WeightsError::Damaged),
            _ => Ok(tensors),
        }
    }

    /// Returns the tensors of a safetensors file, sorted by name.
    fn in_file(&self) -> impl Iterator<Item = (&str, &[usize], &[u8])> {
        self.entries.iter().filter_map(|(name, Entry { shape, place, .. })| match place {
            Place::Bytes(range) => Some((name.as_str(), &shape[..], &self.bytes[range.clone()])),
            Place::Checkpoint(_) => None,
        })
    }

    fn from_checkpoint(checkpoint: PytorchReader) -> Self {
        let entries = checkpoint.into_tensors().into_iter().map(|(name, tensor)| {
            let element = match tensor.dtype() {
                DType::F64 => Element::F64,
                DType::F32 => Element::F32,
                DType::F16 => Element::F16,
                DType::BF16 => Element::BF16,
                other => Element::Other(format!("{other:?}")),
            };
            let shape = tensor.shape().to_vec();
            (name, Entry { shape, element, place: Place::Checkpoint(tensor) })
        });
        Self { entries: entries.collect(), bytes: Vec::new(), about: None }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.entries.keys()
    }

    /// Returns the values of the wanted tensors, by their paths in the network. `unused` are the names
    /// that should not be in the file.
    pub(super) fn read(
        &self,
        wanted: &[Wanted],
        unused: Vec<String>,
    ) -> Result<HashMap<String, Vec<f32>>, WeightsError> {
        let mut mismatch = Mismatch { unused, ..Mismatch::default() };
        for wanted in wanted {
            match self.entries.get(&wanted.name) {
                None => mismatch.missing.push(wanted.name.clone()),
                Some(entry) => mismatch.different.extend(entry.difference(wanted)),
            }
        }
        if !mismatch.is_empty() {
            return Err(WeightsError::Mismatch(mismatch));
        }
        let values = wanted.iter().filter_map(|wanted| {
            let values = self.values(self.entries.get(&wanted.name)?).map(|values| {
                if wanted.is_transposed { transpose(&values, &wanted.shape) } else { values }
            });
            Some(values.map(|values| (wanted.path.clone(), values)))
        });
        values.collect()
    }

    /// Returns the elements of a tensor in row-major order, in single precision.
    fn values(&self, entry: &Entry) -> Result<Vec<f32>, WeightsError> {
        let read;
        let bytes = match &entry.place {
            Place::Bytes(range) => self.bytes.get(range.clone()).unwrap_or_default(),
            Place::Checkpoint(tensor) => {
                read = tensor.read().map_err(WeightsError::format)?;
                &read
            }
        };
        Ok(entry.element.to_f32(bytes))
    }
}

impl Entry {
    fn difference(&self, wanted: &Wanted) -> Option<Difference> {
        let shape = wanted.shape_in_file();
        let (found, needed) = if self.shape != shape {
            (format!("{:?}", self.shape), format!("{shape:?}"))
        } else if let Element::Other(name) = &self.element {
            (name.clone(), "a floating-point type".to_owned())
        } else {
            return None;
        };
        Some(Difference { name: wanted.name.clone(), found, wanted: needed })
    }
}

impl Element {
    /// Converts little-endian elements; one too large for single precision becomes infinite.
    fn to_f32(&self, bytes: &[u8]) -> Vec<f32> {
        match self {
            #[allow(clippy::cast_possible_truncation, reason = "single precision is wanted")]
            Self::F64 => convert(bytes, |bytes| f64::from_le_bytes(bytes) as f32),
            Self::F32 => convert(bytes, f32::from_le_bytes),
            Self::F16 => convert(bytes, |bytes| f16::from_le_bytes(bytes).to_f32()),
            Self::BF16 => convert(bytes, |bytes| bf16::from_le_bytes(bytes).to_f32()),
            Self::Other(_) => Vec::new(), // refused before
        }
    }
}

fn convert<const N: usize>(bytes: &[u8], element: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes.as_chunks::<N>().0.iter().copied().map(element).collect()
}

/// Returns the matrix of shape `[rows, columns]` whose transpose is given, both in row-major order.
pub(super) fn transpose(values: &[f32], shape: &[usize]) -> Vec<f32> {
    let &[rows, columns] = shape else { return values.to_vec() };
    (0..rows * columns).map(|index| values[index % columns * rows + index / columns]).collect()
}
