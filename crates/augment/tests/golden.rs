//! Operators against torchvision's values: those of the fixture, which `README.md` lists, or of the
//! file `SELFSAME_GOLDEN` names.
#![allow(
    clippy::cast_possible_truncation,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a fixture that does not fit is a failure; the worst errors are printed"
)]

use std::collections::BTreeMap;

use selfsame_augment as augment;
use selfsame_augment::{CropBox, Interpolation, Normalize, PlanarImage, Resampling};
use serde_json::{Map, Value};

fn image(packed: &Value) -> PlanarImage {
    let side = |place: usize| packed["shape"][place].as_u64().unwrap() as usize;
    assert_eq!(side(0), 3, "images have three channels");
    let number = |x: &Value| x.as_f64().unwrap() as f32;
    let data: Vec<f32> = packed["data"].as_array().unwrap().iter().map(number).collect();
    assert_eq!(data.len(), 3 * side(1) * side(2));
    PlanarImage { height: side(1), width: side(2), data }
}

/// The parameters of a case; one that is not read is an error.
struct Params<'a>(&'a Map<String, Value>, Vec<&'a str>);

impl<'a> Params<'a> {
    fn get(&mut self, key: &'a str) -> &'a Value {
        self.1.push(key);
        self.0.get(key).unwrap_or_else(|| panic!("no parameter `{key}` in {:?}", self.0))
    }

    fn number(&mut self, key: &'a str) -> f64 {
        self.get(key).as_f64().unwrap()
    }

    fn count(&mut self, key: &'a str) -> usize {
        self.get(key).as_u64().unwrap() as usize
    }

    fn triple(&mut self, key: &'a str) -> [f32; 3] {
        let values = self.get(key);
        [0, 1, 2].map(|channel| values[channel].as_f64().unwrap() as f32)
    }

    fn all_used(&self) {
        let unknown = self.0.keys().find(|key| !self.1.contains(&key.as_str()));
        assert!(unknown.is_none(), "unknown parameter `{}`", unknown.unwrap());
    }
}

/// Applies our operator to the input; returns the result and the tolerance.
fn apply(op: &str, params: &mut Params<'_>, mut input: PlanarImage) -> (PlanarImage, f32) {
    match op {
        "brightness" => augment::brightness(&mut input, params.number("factor") as f32),
        "contrast" => augment::contrast(&mut input, params.number("factor") as f32),
        "saturation" => augment::saturation(&mut input, params.number("factor") as f32),
        "hue" => augment::hue(&mut input, params.number("shift") as f32),
        "grayscale" => augment::grayscale(&mut input),
        "solarize" => augment::solarize(&mut input, params.number("threshold") as f32),
        "horizontal_flip" => augment::horizontal_flip(&mut input),
        "vertical_flip" => augment::vertical_flip(&mut input),
        "gaussian_blur" => {
            assert_eq!(params.get("border"), "reflect", "unknown border");
            let (size, sigma) = (params.count("kernel_size"), params.number("sigma"));
            augment::gaussian_blur(&mut input, size, sigma);
        }
        "normalize" => {
            let normalize = Normalize { mean: params.triple("mean"), std: params.triple("std") };
            let mut out = vec![0.0; input.data.len()];
            normalize.write(&input, &mut out);
            input.data = out;
        }
        "resized_crop" => {
            let interpolation = match params.get("interpolation").as_str().unwrap() {
                "bilinear" => Interpolation::Bilinear,
                "bicubic" => Interpolation::Bicubic,
                other => panic!("unknown interpolation `{other}`"),
            };
            let antialias = params.get("antialias").as_bool().unwrap();
            let [top, left] = ["top", "left"].map(|key| params.count(key));
            let [height, width] = ["height", "width"].map(|key| params.count(key));
            let size = ["out_height", "out_width"].map(|key| params.count(key));
            let part = CropBox { top, left, height, width };
            let resampling = Resampling { interpolation, antialias };
            let loose = antialias || interpolation == Interpolation::Bicubic;
            let out = augment::resized_crop(&input, part, size, resampling);
            return (out, if loose { 2e-3 } else { 1e-4 });
        }
        other => panic!("unknown op `{other}`"),
    }
    (input, 1e-4)
}

#[test]
fn every_case_equals_torchvision() {
    let fixture = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/golden.json");
    let path = std::env::var("SELFSAME_GOLDEN").unwrap_or_else(|_| fixture.to_owned());
    let file: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let mut worst = BTreeMap::<&str, (usize, f32)>::new();
    for case in file["cases"].as_array().unwrap() {
        let op = case["op"].as_str().unwrap();
        let mut params = Params(case["params"].as_object().unwrap(), Vec::new());
        let (found, tolerance) = apply(op, &mut params, image(&case["input"]));
        params.all_used();
        let want = image(&case["output"]);
        assert_eq!((found.height, found.width), (want.height, want.width), "{op}");
        let apart = found.data.iter().zip(&want.data).map(|(a, b)| (a - b).abs());
        let off = apart.clone().fold(0.0, f32::max);
        // Of each element, as the maximum would hide NaN.
        let close = apart.clone().all(|off| off <= tolerance);
        assert!(close, "{op} {} is off by {off}", case["params"]);
        let entry = worst.entry(op).or_default();
        *entry = (entry.0 + 1, entry.1.max(off));
    }
    assert!(!worst.is_empty(), "{path} holds no case");
    for (op, (cases, off)) in worst {
        println!("{op:16} {cases:3} cases, worst {off:.1e}");
    }
}
