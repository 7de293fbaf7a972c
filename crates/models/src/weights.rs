//! Weights as safetensors, with one entry per parameter, named by its path.

use std::collections::HashMap;

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// The reason why weights could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The bytes are not a safetensors file.
    #[error("this is not a safetensors file, or it is damaged")]
    Format(#[from] safetensors::SafeTensorError),
    /// The file lacks a parameter of the network.
    #[error("the file has no `{name}`, so it was made by a different network")]
    Missing {
        /// Path of the parameter.
        name: String,
    },
    /// The file holds a parameter the network lacks.
    #[error("the network has no `{name}`, so the file was made by a different network")]
    Unused {
        /// Name in the file.
        name: String,
    },
    /// A parameter has a different shape.
    #[error("`{name}` is {found:?} in the file and {wanted:?} in the network; check its width")]
    Shape {
        /// Path of the parameter.
        name: String,
        /// Shape in the file.
        found: Vec<usize>,
        /// Shape in the network.
        wanted: Vec<usize>,
    },
    /// A parameter in the file is not in single precision.
    #[error("`{name}` is {found}, but only F32 can be read")]
    Precision {
        /// Path of the parameter.
        name: String,
        /// The type in the file.
        found: String,
    },
}

/// Returns the bytes of a safetensors file with every parameter and running statistic of `module`.
///
/// The same weights give the same bytes. `about` is kept in the header under the key `selfsame`.
/// Pass the configuration as JSON, so that the file says how to build the network it belongs to.
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
    let mut collected = Collect { path: Vec::new(), tensors: Vec::new() };
    module.visit(&mut collected);
    let views: Vec<(&str, TensorView<'_>)> = collected
        .tensors
        .iter()
        .map(|(name, shape, bytes)| {
            Ok((name.as_str(), TensorView::new(Dtype::F32, shape.clone(), bytes)?))
        })
        .collect::<Result<_, safetensors::SafeTensorError>>()?;
    let about = HashMap::from([("selfsame".to_owned(), about.to_owned())]);
    Ok(safetensors::serialize(views, Some(about))?)
}

/// Returns `module` with the weights of a safetensors file.
///
/// # Errors
/// If the bytes are not a safetensors file, or a name or shape differs from that of the network.
///
/// # Example
/// ```
/// use burn::tensor::Device;
/// use selfsame_models::{ResNetConfig, WeightsError, from_safetensors, to_safetensors};
///
/// let device = Device::flex();
/// let bytes = to_safetensors(&ResNetConfig::resnet10(2).init(0, &device), "")?;
/// let wider = from_safetensors(ResNetConfig::resnet10(4).init(0, &device), &bytes);
/// assert!(matches!(wider, Err(WeightsError::Shape { .. })));
/// # Ok::<(), WeightsError>(())
/// ```
pub fn from_safetensors<M: Module>(module: M, bytes: &[u8]) -> Result<M, WeightsError> {
    let saved = SafeTensors::deserialize(bytes)?;
    let mut fill = Fill { path: Vec::new(), file: &saved, used: Vec::new(), error: None };
    let module = module.map(&mut fill);
    if let Some(error) = fill.error {
        return Err(error);
    }
    match saved.names().into_iter().find(|name| !fill.used.iter().any(|used| used == name)) {
        Some(name) => Err(WeightsError::Unused { name: name.to_owned() }),
        None => Ok(module),
    }
}

struct Collect {
    path: Vec<String>,
    tensors: Vec<(String, Vec<usize>, Vec<u8>)>,
}

impl ModuleVisitor for Collect {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let tensor = param.val().inner();
        let shape = tensor.dims().to_vec();
        let data = tensor.into_data();
        let bytes = data.iter::<f32>().flat_map(f32::to_le_bytes).collect();
        self.tensors.push((self.path.join("."), shape, bytes));
    }
}

struct Fill<'a> {
    path: Vec<String>,
    file: &'a SafeTensors<'a>,
    used: Vec<String>,
    error: Option<WeightsError>,
}

impl Fill<'_> {
    fn read(&self, name: &str, wanted: &[usize]) -> Result<Vec<f32>, WeightsError> {
        let name = name.to_owned();
        let Ok(entry) = self.file.tensor(&name) else { return Err(WeightsError::Missing { name }) };
        if entry.dtype() != Dtype::F32 {
            let found = format!("{:?}", entry.dtype());
            return Err(WeightsError::Precision { name, found });
        }
        if entry.shape() != wanted {
            let (found, wanted) = (entry.shape().to_vec(), wanted.to_vec());
            return Err(WeightsError::Shape { name, found, wanted });
        }
        let (values, _) = entry.data().as_chunks::<4>();
        Ok(values.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
    }
}

impl ModuleMapper for Fill<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let name = self.path.join(".");
        let (shape, device) = (param.val().shape(), param.val().device());
        match self.read(&name, &param.val().dims()) {
            Ok(values) => {
                self.used.push(name);
                param.map(|old| {
                    let new = Tensor::from_data(TensorData::new(values, shape), &device);
                    new.set_require_grad(old.is_require_grad())
                })
            }
            Err(error) => {
                self.error.get_or_insert(error);
                param
            }
        }
    }
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
        assert_eq!(
            error.to_string(),
            "`stem.conv.weight` is [2, 3, 3, 3] in the file and [4, 3, 3, 3] in the network; \
             check its width"
        );
        let shallow = ResNetConfig { blocks: vec![1], ..ResNetConfig::resnet10(2) };
        let error = from_safetensors(shallow.init(0, &device), &bytes).unwrap_err();
        assert!(error.to_string().starts_with("the network has no `blocks."), "{error}");
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
