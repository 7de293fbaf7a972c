//! Every loss against independent values and gradients, from the fixture or the file
//! `SELFSAME_GOLDEN` names.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use selfsame_losses::{BarlowTwinsConfig, NtXentConfig, barlow_twins, negative_cosine, nt_xent};
use serde_json::Value;

fn numbers(packed: &Value) -> Vec<f64> {
    packed["data"].as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// One case, its inputs on a device that remembers gradients.
struct Case<'a> {
    json: &'a Value,
    inputs: BTreeMap<&'a str, Tensor<2>>,
}

impl<'a> Case<'a> {
    fn new(json: &'a Value) -> Self {
        let device = Device::flex().autodiff();
        let tensor = |packed: &Value| {
            let side = |place: usize| packed["shape"][place].as_u64().unwrap() as usize;
            let data: Vec<f32> = numbers(packed).into_iter().map(|x| x as f32).collect();
            Tensor::from_data(TensorData::new(data, [side(0), side(1)]), &device).require_grad()
        };
        let inputs = json["inputs"].as_object().unwrap().iter();
        Self { json, inputs: inputs.map(|(name, packed)| (name.as_str(), tensor(packed))).collect() }
    }

    fn input(&self, name: &str) -> Tensor<2> {
        self.inputs.get(name).unwrap_or_else(|| panic!("no input `{name}`")).clone()
    }

    /// The parameters, which must be these.
    fn params<const N: usize>(&self, names: [&str; N]) -> [f64; N] {
        let params = self.json["params"].as_object().unwrap();
        let unknown = params.keys().find(|key| !names.contains(&key.as_str()));
        assert!(unknown.is_none(), "unknown parameter `{}`", unknown.unwrap());
        names.map(|name| params[name].as_f64().unwrap())
    }

    fn loss(&self) -> Tensor<1> {
        match self.json["loss"].as_str().unwrap() {
            "nt_xent" => {
                let [temperature] = self.params(["temperature"]);
                nt_xent(self.input("z_a"), self.input("z_b"), &NtXentConfig { temperature })
            }
            "simsiam" => {
                let [] = self.params([]);
                let (p, z) = (["p_a", "p_b"], ["z_a", "z_b"]);
                let ([p_a, p_b], [z_a, z_b]) =
                    (p.map(|name| self.input(name)), z.map(|name| self.input(name)));
                negative_cosine(p_a, p_b, z_a, z_b)
            }
            "barlow_twins" => {
                let [off_diagonal] = self.params(["lambda_"]);
                let config = BarlowTwinsConfig { off_diagonal, ..BarlowTwinsConfig::default() };
                barlow_twins(self.input("z_a"), self.input("z_b"), &config)
            }
            other => panic!("unknown loss `{other}`"),
        }
    }

    /// How far the value and the worst gradient are off.
    fn run(&self) -> (f64, f64) {
        let loss = self.loss();
        let value = f64::from(loss.clone().into_scalar::<f32>());
        let want = self.json["value"].as_f64().unwrap();
        let off = (value - want).abs();
        let off = if off < 1e-6 { 0.0 } else { off / want.abs() };
        let gradients = loss.backward();
        let mut worst = 0.0_f64;
        for (name, want) in self.json["grads"].as_object().unwrap() {
            let want = numbers(want);
            let found = match self.input(name).grad(&gradients) {
                Some(gradient) => gradient.into_data().iter::<f64>().collect(),
                None => vec![0.0; want.len()], // stopped
            };
            assert_eq!(found.len(), want.len(), "gradient of {name}");
            let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
            let apart = norm(&mut found.iter().zip(&want).map(|(a, b)| a - b));
            worst = worst.max(apart / norm(&mut want.iter().copied()).max(1e-6));
        }
        (off, worst)
    }
}

#[test]
fn every_case_has_the_value_and_the_gradients() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/golden.json");
    let path = std::env::var("SELFSAME_GOLDEN").unwrap_or_else(|_| fixture.to_owned());
    let file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let mut worst = BTreeMap::<&str, (usize, f64, f64)>::new();
    for json in file["cases"].as_array().unwrap() {
        let loss = json["loss"].as_str().unwrap();
        let (value, gradient) = Case::new(json).run();
        assert!(value <= 1e-4, "{loss} {}: the value is off by {value}", json["params"]);
        assert!(gradient <= 1e-4, "{loss} {}: a gradient is off by {gradient}", json["params"]);
        let entry = worst.entry(loss).or_default();
        *entry = (entry.0 + 1, entry.1.max(value), entry.2.max(gradient));
    }
    assert!(!worst.is_empty(), "{path} holds no case");
    for (loss, (cases, value, gradient)) in worst {
        println!("{loss:14} {cases:3} cases, worst value {value:.1e}, worst gradient {gradient:.1e}");
    }
}
