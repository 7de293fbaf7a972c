//! One golden case: its inputs as leaves of a graph, its parameters, and how far a loss is off.

use std::collections::BTreeMap;

use burn::tensor::{Device, Int, Tensor, TensorData};
use serde_json::Value;

fn numbers(packed: &Value) -> Vec<f64> {
    packed["data"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn shape(packed: &Value) -> Vec<usize> {
    packed["shape"].as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as usize).collect()
}

pub(crate) struct Case<'a> {
    json: &'a Value,
    /// Every input, laid out flat on a device that remembers gradients.
    leaves: BTreeMap<&'a str, Tensor<1>>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(json: &'a Value) -> Self {
        let device = Device::flex().autodiff();
        let leaf = |packed: &Value| {
            let data: Vec<f32> = numbers(packed).into_iter().map(|x| x as f32).collect();
            let length = data.len();
            Tensor::from_data(TensorData::new(data, [length]), &device).require_grad()
        };
        let inputs = json["inputs"].as_object().unwrap().iter();
        Self { json, leaves: inputs.map(|(name, packed)| (name.as_str(), leaf(packed))).collect() }
    }

    pub(crate) fn loss(&self) -> &'a str {
        self.json["loss"].as_str().unwrap()
    }

    fn leaf(&self, name: &str) -> Tensor<1> {
        self.leaves.get(name).unwrap_or_else(|| panic!("no input `{name}`")).clone()
    }

    /// An input of any rank.
    pub(crate) fn input<const D: usize>(&self, name: &str) -> Tensor<D> {
        let shape: [usize; D] = shape(&self.json["inputs"][name]).try_into().unwrap();
        self.leaf(name).reshape(shape)
    }

    /// The inputs `prefix_0`, `prefix_1`, ... in order, as many as there are.
    pub(crate) fn inputs<const D: usize>(&self, prefix: &str) -> Vec<Tensor<D>> {
        let names = (0..).map(|place| format!("{prefix}_{place}"));
        let found = names.take_while(|name| self.leaves.contains_key(name.as_str()));
        found.map(|name| self.input(&name)).collect()
    }

    /// Whole numbers, one a row.
    pub(crate) fn labels(&self, name: &str) -> Tensor<1, Int> {
        let labels: Vec<i64> =
            numbers(&self.json["inputs"][name]).into_iter().map(|x| x as i64).collect();
        let length = labels.len();
        Tensor::from_data(TensorData::new(labels, [length]), &Device::flex())
    }

    /// The parameters, which must be these.
    pub(crate) fn params<const N: usize>(&self, names: [&str; N]) -> [f64; N] {
        let params = self.json["params"].as_object().unwrap();
        let unknown = params.keys().find(|key| !names.contains(&key.as_str()));
        assert!(unknown.is_none(), "{}: unknown parameter `{}`", self.loss(), unknown.unwrap());
        names.map(|name| {
            let number = params.get(name).and_then(Value::as_f64);
            number.unwrap_or_else(|| panic!("{}: no number `{name}`", self.loss()))
        })
    }

    /// How far the value and the worst gradient are off.
    pub(crate) fn errors(&self, loss: Tensor<1>) -> (f64, f64) {
        let value = f64::from(loss.clone().into_scalar::<f32>());
        let want = self.json["value"].as_f64().unwrap();
        let off = (value - want).abs();
        let off = if off < 1e-6 { 0.0 } else { off / want.abs() };
        let gradients = loss.backward();
        let mut worst = 0.0_f64;
        for (name, want) in self.json["grads"].as_object().unwrap() {
            let want = numbers(want);
            let found = match self.leaf(name).grad(&gradients) {
                Some(gradient) => gradient.into_data().iter::<f64>().collect(),
                None => vec![0.0; want.len()], // stopped
            };
            assert_eq!(found.len(), want.len(), "gradient of {name}");
            let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
            let apart = norm(&mut found.iter().zip(&want).map(|(a, b)| a - b));
            let apart = apart / norm(&mut want.iter().copied()).max(1e-6);
            worst = if apart.is_nan() { f64::INFINITY } else { worst.max(apart) };
        }
        (off, worst)
    }
}
