//! One golden case: its inputs as leaves of a graph, its parameters, and how far a loss is off.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use burn::tensor::{DType, Device, Int, Tensor, TensorData};
use selfsame_losses::Labeled;
use serde_json::Value;

use crate::params::Params;

fn elements(packed: &Value) -> Vec<f64> {
    packed["data"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

fn shape(packed: &Value) -> Vec<usize> {
    packed["shape"].as_array().unwrap().iter().map(|x| x.as_u64().unwrap() as usize).collect()
}

pub(crate) struct Case<'a> {
    json: &'a Value,
    pub(crate) params: Params<'a>,
    /// Every input, flattened, on a device that remembers gradients.
    leaves: BTreeMap<&'a str, Tensor<1>>,
    read: RefCell<BTreeSet<String>>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(json: &'a Value) -> Self {
        let device = Device::flex().autodiff();
        let leaf = |packed: &Value| {
            let data: Vec<f32> = elements(packed).into_iter().map(|x| x as f32).collect();
            let length = data.len();
            Tensor::from_data(TensorData::new(data, [length]), &device).require_grad()
        };
        let inputs = json["inputs"].as_object().unwrap().iter();
        let loss = json["loss"].as_str().unwrap();
        Self {
            json,
            params: Params::new(loss, json["params"].as_object().unwrap()),
            leaves: inputs.map(|(name, packed)| (name.as_str(), leaf(packed))).collect(),
            read: RefCell::default(),
        }
    }

    pub(crate) fn loss(&self) -> &'a str {
        self.json["loss"].as_str().unwrap()
    }

    fn packed(&self, name: &str) -> &'a Value {
        let packed = self.json["inputs"].get(name);
        self.read.borrow_mut().insert(name.to_owned());
        packed.unwrap_or_else(|| panic!("{}: no input `{name}`", self.loss()))
    }

    fn has(&self, name: &str) -> bool {
        self.leaves.contains_key(name)
    }

    /// An input of any rank.
    pub(crate) fn input<const D: usize>(&self, name: &str) -> Tensor<D> {
        let shape = shape(self.packed(name));
        let rank = shape.len();
        let shape: [usize; D] = shape
            .try_into()
            .unwrap_or_else(|_| panic!("{}: `{name}` has rank {rank}, not {D}", self.loss()));
        self.leaves[name].clone().reshape(shape)
    }

    /// An input that may be absent.
    pub(crate) fn optional<const D: usize>(&self, name: &str) -> Option<Tensor<D>> {
        self.has(name).then(|| self.input(name))
    }

    /// The inputs `prefix_0`, `prefix_1`, ... in order, as many as there are.
    pub(crate) fn inputs<const D: usize>(&self, prefix: &str) -> Vec<Tensor<D>> {
        let names = (0..).map(|place| format!("{prefix}_{place}"));
        names.take_while(|name| self.has(name)).map(|name| self.input(&name)).collect()
    }

    /// One integer for each row.
    pub(crate) fn labels(&self, name: &str) -> Tensor<1, Int> {
        let label = |x: f64| {
            assert!(x.fract() == 0.0, "{}: `{name}` holds {x}, which is no label", self.loss());
            x as i64
        };
        let labels: Vec<i64> = elements(self.packed(name)).into_iter().map(label).collect();
        let length = labels.len();
        Tensor::from_data(TensorData::new(labels, [length]), (&Device::flex(), DType::I64))
    }

    pub(crate) fn labeled(&self, rows: &str, labels: &str) -> Labeled {
        Labeled::new(self.input(rows), self.labels(labels))
    }

    /// Rows and labels that may be absent.
    pub(crate) fn optional_labeled(&self, rows: &str, labels: &str) -> Option<Labeled> {
        self.has(rows).then(|| self.labeled(rows, labels))
    }

    /// Every parameter and every input was read.
    pub(crate) fn assert_all_read(&self) {
        self.params.assert_all_read();
        let read = self.read.borrow();
        let unknown: Vec<&&str> =
            self.leaves.keys().filter(|name| !read.contains(**name)).collect();
        assert!(unknown.is_empty(), "{}: unknown inputs {unknown:?}", self.loss());
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
            let want = elements(want);
            let leaf = self.leaves.get(name.as_str());
            let leaf = leaf.unwrap_or_else(|| panic!("{}: no input `{name}`", self.loss()));
            let found = match leaf.grad(&gradients) {
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
