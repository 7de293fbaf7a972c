//! Files of weights from PyTorch's libraries, and files that are wrong.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs;
use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use safetensors::tensor::{Dtype, TensorView};
use selfsame_models::{
    Backbone, Batch, ByolConfig, Clock, Context, Loaded, Method, ResNet, ResNetConfig, VitConfig,
    WeightsError, WeightsFile, from_safetensors, to_pytorch, to_safetensors,
};
use serde::Deserialize;

/// How far features may be from PyTorch's, relative where they are larger than 1.
const TOLERANCE: f32 = 1e-4;

/// A file of weights, as `weights/networks.py` writes it down.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    file: String,
    network: Network,
    images: [usize; 4],
    features: Vec<Vec<f32>>,
    prefix: String,
    omitted: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Network {
    #[serde(rename = "resnet")]
    ResNet(ResNetConfig),
    Vit(VitConfig),
}

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/weights")
}

/// Images by the rule of `networks.py`.
fn images(shape: [usize; 4], device: &Device) -> Tensor<4> {
    let values = (0..shape.iter().product()).map(|place: usize| (place * 7919 % 1000) as f32);
    let values: Vec<f32> = values.map(|value| value / 500.0 - 1.0).collect();
    Tensor::from_data(TensorData::new(values, shape), device)
}

fn is_close(found: f32, want: f32) -> bool {
    (found - want).abs() < TOLERANCE * want.abs().max(1.0)
}

/// Loads a case into the network, compares the features, and returns the network.
fn load<B: Backbone<Input = Tensor<4>>>(case: &Case, folder: &Path, network: B, name: &str) -> B {
    let file = WeightsFile::open(folder.join(&case.file)).unwrap();
    let Loaded { network, prefix, omitted } =
        file.load(network).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!((&prefix, &omitted), (&case.prefix, &case.omitted), "{name}");
    let features = network.forward(images(case.images, &Device::flex())).into_data();
    let features: Vec<f32> = features.iter().collect();
    let want = case.features.concat();
    assert_eq!(features.len(), want.len(), "{name}");
    for (found, want) in features.into_iter().zip(want) {
        assert!(is_close(found, want), "{name}: {found}, and {want} in PyTorch");
    }
    network
}

/// Reads every case of a folder. With `write`, leaves the same networks as we write them beside it, for
/// `networks.py` to check.
fn read_all(folder: &Path, write: bool) -> usize {
    let is_case = |path: &PathBuf| path.extension().is_some_and(|ending| ending == "json");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut count = 0;
    for path in paths.filter(is_case) {
        let case: Case = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        let name = path.file_stem().unwrap().to_str().unwrap();
        let device = Device::flex();
        match &case.network {
            Network::ResNet(config) => {
                let network = load(&case, folder, config.init(0, &device), name);
                if write {
                    write_ours(&network, folder, name);
                    #[cfg(feature = "onnx")]
                    write_onnx(&network, &case, folder, name);
                }
            }
            Network::Vit(config) => {
                let network = load(&case, folder, config.init(0, &device), name);
                if write {
                    write_ours(&network, folder, name);
                }
            }
        }
        count += 1;
    }
    count
}

fn write_ours<B: Backbone>(network: &B, folder: &Path, name: &str) {
    let bytes = to_pytorch(network, "{}").unwrap();
    fs::write(folder.join(format!("{name}.ours.safetensors")), bytes).unwrap();
}

#[cfg(feature = "onnx")]
fn write_onnx<B: Backbone<Input = Tensor<4>>>(network: &B, case: &Case, folder: &Path, name: &str) {
    let [_, channels, height, width] = case.images;
    let normalization = Some([vec![0.4, 0.5, 0.6], vec![0.2, 0.25, 0.3]]); // as in networks.py
    let input = selfsame_models::OnnxInput { image: [channels, height, width], normalization };
    let bytes = selfsame_models::to_onnx(network, &input).unwrap();
    fs::write(folder.join(format!("{name}.onnx")), bytes).unwrap();
    let features = network.forward(images(case.images, &Device::flex())).into_data();
    let found = features.iter::<f32>().zip(case.features.concat());
    assert!(found.into_iter().all(|(a, b)| is_close(a, b)), "the export changed it");
}

#[test]
fn pytorchs_networks_have_the_same_features_here() {
    assert_eq!(read_all(&committed(), false), 5);
}

#[cfg(feature = "onnx")]
#[test]
fn what_cannot_be_exported_is_named() {
    let device = Device::flex();
    let input = selfsame_models::OnnxInput { image: [3, 8, 8], normalization: None };
    let vit = VitConfig { dim: 8, depth: 1, heads: 2, ..VitConfig::tiny(8, 4) };
    for (error, name) in [
        (selfsame_models::to_onnx(&config().with_gem().init(0, &device), &input), "ClampMin"),
        (selfsame_models::to_onnx(&vit.init(0, &device), &input), "Permute"),
    ] {
        let error = error.unwrap_err().to_string();
        assert!(error.starts_with("burn-onnx cannot export operation "), "{error}");
        assert!(error.ends_with(&format!(" of the network, {name}")), "{error}");
    }
}

/// The networks that `.ci/weights` makes.
#[test]
fn whole_networks_have_the_same_features_here() {
    let Some(folder) = std::env::var_os("SELFSAME_WEIGHTS") else { return };
    assert!(read_all(Path::new(&folder), true) > 0);
}

fn config() -> ResNetConfig {
    ResNetConfig { blocks: vec![1, 2], ..ResNetConfig::resnet18(2) }
}

fn resnet(seed: u64) -> ResNet {
    config().init(seed, &Device::flex())
}

/// A tensor for a file: name, type, shape, bytes.
type Entry = (String, Dtype, Vec<usize>, Vec<u8>);

/// What we write for a network, to be changed.
fn entries(network: &ResNet) -> Vec<Entry> {
    let bytes = to_pytorch(network, "").unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let mut entries: Vec<Entry> = file
        .iter()
        .map(|(name, view)| {
            (name.to_owned(), view.dtype(), view.shape().to_vec(), view.data().to_vec())
        })
        .collect();
    entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    entries
}

/// Opens a safetensors file of these tensors.
fn open(entries: &[Entry]) -> WeightsFile {
    let views = entries.iter().map(|(name, dtype, shape, bytes)| {
        (name.as_str(), TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    open_bytes(&safetensors::serialize(views, None).unwrap()).unwrap()
}

fn open_bytes(bytes: &[u8]) -> Result<WeightsFile, WeightsError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    fs::write(&path, bytes).unwrap();
    WeightsFile::open(path)
}

fn bytes_of(network: &ResNet) -> Vec<u8> {
    to_safetensors(network, "").unwrap()
}

fn is_batch_norm_counter(entry: &Entry) -> bool {
    entry.0.ends_with("num_batches_tracked")
}

#[test]
fn what_we_write_is_read_again_with_running_statistics() {
    let device = Device::flex().autodiff();
    let trained = config().init(3, &device);
    let _ = trained.forward(images([4, 3, 8, 8], &device)); // moves the running statistics
    let loaded = open(&entries(&trained)).load(resnet(0)).unwrap();
    assert_eq!(bytes_of(&loaded.network), bytes_of(&trained));
    assert!(loaded.prefix.is_empty() && loaded.omitted.is_empty());
    let without_counters: Vec<Entry> =
        entries(&trained).into_iter().filter(|entry| !is_batch_norm_counter(entry)).collect();
    let loaded = open(&without_counters).load(resnet(0)).unwrap();
    assert_eq!(bytes_of(&loaded.network), bytes_of(&trained));
}

/// A type of elements, how to write a value in it, and how far it may be from the value.
type Form = (Dtype, fn(f32) -> Vec<u8>, f32);

#[test]
fn other_precisions_are_converted() {
    let network = resnet(1);
    let singles = |entry: &Entry| -> Vec<f32> {
        entry.3.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    };
    let forms: [Form; 3] = [
        (Dtype::F64, |value| f64::from(value).to_le_bytes().to_vec(), 0.0),
        (Dtype::F16, |value| burn::tensor::f16::from_f32(value).to_le_bytes().to_vec(), 1e-3),
        (Dtype::BF16, |value| burn::tensor::bf16::from_f32(value).to_le_bytes().to_vec(), 1e-2),
    ];
    for (dtype, convert, tolerance) in forms {
        let converted: Vec<Entry> = entries(&network)
            .into_iter()
            .map(|entry| match entry.1 {
                Dtype::F32 => {
                    let bytes = singles(&entry).into_iter().flat_map(convert).collect();
                    (entry.0, dtype, entry.2, bytes)
                }
                _ => entry,
            })
            .collect();
        let loaded = open(&converted).load(resnet(0)).unwrap().network;
        for (found, want) in entries(&loaded).iter().zip(&entries(&network)) {
            let values = singles(found).into_iter().zip(singles(want));
            let is_close = |(a, b): (f32, f32)| (a - b).abs() <= tolerance * b.abs() + 1e-7;
            assert!(values.into_iter().all(is_close), "{} as {dtype:?}", found.0);
        }
    }
}

#[test]
fn a_wrong_file_is_named_key_by_key() {
    let mut changed = entries(&resnet(1));
    let at =
        |changed: &[Entry], name: &str| changed.iter().position(|entry| entry.0 == name).unwrap();
    let (missing, other_type) = (at(&changed, "bn1.running_mean"), at(&changed, "bn1.weight"));
    changed[other_type].1 = Dtype::I32;
    let other_shape = at(&changed, "layer2.1.conv2.weight");
    changed[other_shape].2 = vec![4, 36];
    changed[missing].0 = "bn1.mean".to_owned();
    changed.push(("layer3.0.conv1.weight".to_owned(), Dtype::F32, vec![1], vec![0; 4]));
    let network = resnet(0);
    let before = bytes_of(&network);
    let error = open(&changed).load(network.clone()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file is of another network: the file has no `bn1.running_mean`; the network has no \
         `bn1.mean`, `layer3.0.conv1.weight`; `bn1.weight` is I32 in the file and a floating-point \
         type in the network; `layer2.1.conv2.weight` is [4, 36] in the file and [4, 4, 3, 3] in \
         the network"
    );
    assert_eq!(bytes_of(&network), before, "unchanged, with its running statistics");
}

#[test]
fn files_in_no_format_are_refused() {
    let whole = to_pytorch(&resnet(0), "").unwrap();
    let checkpoint = fs::read(committed().join("basic.pth")).unwrap();
    for (name, bytes) in [
        ("nothing", &b""[..]),
        ("text", b"version https://git-lfs.github.com/spec/v1\n"),
        ("half of a header", &whole[..50]),
        ("most of the tensors", &whole[..whole.len() - 1]),
        ("start of a checkpoint", &checkpoint[..100]),
        ("most of a checkpoint", &checkpoint[..checkpoint.len() - 1000]),
    ] {
        let result = open_bytes(bytes).and_then(|file| file.load(resnet(0)));
        let error = result.map(|loaded| loaded.omitted).unwrap_err();
        assert!(matches!(error, WeightsError::Format(_)), "{name}: {error}");
        assert!(error.to_string().starts_with("this is neither a safetensors file nor"), "{name}");
    }
    let error = WeightsFile::open("no/such/file.pth").unwrap_err();
    assert_eq!(error.to_string(), "`no/such/file.pth` cannot be read");
}

#[test]
fn a_damaged_tensor_of_a_checkpoint_is_noticed() {
    let path = committed().join("basic.pth");
    let mut bytes = fs::read(path).unwrap();
    let config = ResNetConfig { blocks: vec![1, 2, 1, 1], ..ResNetConfig::resnet18(2) };
    let network = || config.init(0, &Device::flex());
    open_bytes(&bytes).unwrap(); // as it is, it can be opened
    let [first, end] = [bytes.len() / 4, bytes.len() / 2]; // of tensors; the directory is at the end
    bytes[first..end].fill(0x55);
    let result = open_bytes(&bytes).and_then(|file| file.load(network()).map(|_| ()));
    assert!(matches!(result, Err(WeightsError::Format(_))), "{result:?}");
}

#[test]
fn no_code_in_a_checkpoint_is_run() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    // What Python's pickle would run: os.system("touch …"), alone and as a value of a dictionary.
    let call = format!("cos\nsystem\n(S'touch {}'\ntR", trace.display());
    for pickle in [format!("{call}."), format!("(dS'conv1.weight'\n{call}s.")] {
        let result = open_bytes(pickle.as_bytes()).and_then(|file| file.load(resnet(0)));
        assert!(result.is_err());
        assert!(!trace.exists(), "{pickle}");
    }
}

#[test]
fn a_network_is_found_under_a_prefix() {
    let of = |prefix: &str, seed| -> Vec<Entry> {
        let named = entries(&resnet(seed)).into_iter();
        named.map(|entry| (format!("{prefix}{}", entry.0), entry.1, entry.2, entry.3)).collect()
    };
    let loss: Entry = ("loss".to_owned(), Dtype::I64, vec![], vec![0; 8]);
    let mut file = of("module.", 1); // as DataParallel names it
    file.push(loss.clone());
    let loaded = open(&file).load(resnet(0)).unwrap();
    assert_eq!(
        (loaded.prefix.as_str(), &loaded.omitted[..]),
        ("module.", &["loss".to_owned()][..])
    );
    assert_eq!(bytes_of(&loaded.network), bytes_of(&resnet(1)));

    let mut twice = of("student.module.backbone.", 1);
    twice.extend(of("teacher.backbone.", 2));
    twice.push(("teacher.head.last.weight".to_owned(), Dtype::F32, vec![1], vec![0; 4]));
    let error = open(&twice).load(resnet(0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file has the network more than once, under `student.module.backbone.`, \
         `teacher.backbone.`; choose one with `WeightsFile::under`"
    );
    for prefix in ["teacher", "teacher.", "teacher.backbone"] {
        let loaded = open(&twice).under(prefix).load(resnet(0)).unwrap();
        assert_eq!(loaded.prefix, "teacher.backbone.");
        assert_eq!(bytes_of(&loaded.network), bytes_of(&resnet(2)));
    }
    let none = open(&twice).under("teach").load(resnet(0)).unwrap_err();
    let WeightsError::Mismatch(mismatch) = none else { panic!("{none}") };
    let counters = entries(&resnet(0)).iter().filter(|entry| is_batch_norm_counter(entry)).count();
    assert_eq!(mismatch.missing.len(), entries(&resnet(0)).len() - counters);
}

#[test]
fn a_classifier_is_omitted_and_listed() {
    let mut file = entries(&resnet(1));
    for name in ["fc.bias", "fc.weight"] {
        file.push((name.to_owned(), Dtype::F32, vec![1], vec![0; 4]));
    }
    assert_eq!(open(&file).load(resnet(0)).unwrap().omitted, ["fc.bias", "fc.weight"]);
    file.push(("fc_norm.weight".to_owned(), Dtype::F32, vec![1], vec![0; 4]));
    let error = open(&file).load(resnet(0)).unwrap_err().to_string();
    assert!(error.ends_with("the network has no `fc_norm.weight`"), "{error}");
}

#[test]
fn linear_weights_are_written_as_pytorch_has_them() {
    let vit = VitConfig { dim: 4, depth: 1, heads: 2, ..VitConfig::tiny(4, 2) };
    let network = vit.init(1, &Device::flex());
    let bytes = to_pytorch(&network, "").unwrap();
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(file.tensor("blocks.0.mlp.fc1.weight").unwrap().shape(), [16, 4]);
    assert_eq!(file.tensor("blocks.0.norm1.bias").unwrap().shape(), [4]);
    let loaded = open_bytes(&bytes).unwrap().load(vit.init(0, &Device::flex())).unwrap();
    assert_eq!(to_pytorch(&loaded.network, "").unwrap(), bytes);
    let other = VitConfig { image: 8, ..vit };
    let error = open_bytes(&bytes).unwrap().load(other.init(0, &Device::flex())).unwrap_err();
    let text = "`pos_embed` is [1, 5, 4] in the file and [1, 17, 4] in the network";
    assert!(error.to_string().ends_with(text), "{error}");
}

#[test]
fn pre_training_starts_from_loaded_weights() {
    let device = Device::flex().autodiff();
    let loaded = open(&entries(&resnet(1))).load(config().init(0, &device)).unwrap();
    let byol = ByolConfig::default().init(loaded.network, 5, &device);
    assert_eq!(bytes_of(byol.encoder()), bytes_of(&resnet(1)));
    // The target starts as the same network, and the loaded weights learn.
    let saved = to_safetensors(&byol, "").unwrap();
    let file = safetensors::SafeTensors::deserialize(&saved).unwrap();
    let of = |part: &str| file.tensor(&format!("{part}.encoder.stem.conv.weight")).unwrap();
    assert_eq!(of("online").data(), of("target.network").data());
    let view = images([2, 3, 8, 8], &device);
    let context = Context::new(Clock::default());
    let step = byol.step(&Batch::new(vec![view.clone(), view.flip([3])]), &context);
    let gradients = step.loss.backward();
    let gradients = burn::optim::GradientsParams::from_grads(gradients, byol.encoder());
    assert!(gradients.len() > 20, "every parameter of the encoder");
}

#[test]
fn files_of_our_names_are_read_in_half_precision_too() {
    let bytes = bytes_of(&resnet(1));
    let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    let halves: Vec<(String, Vec<usize>, Vec<u8>)> = file
        .iter()
        .map(|(name, view)| {
            let values = view.data().as_chunks::<4>().0.iter().copied().map(f32::from_le_bytes);
            let half = |value| burn::tensor::bf16::from_f32(value).to_le_bytes();
            (name.to_owned(), view.shape().to_vec(), values.flat_map(half).collect())
        })
        .collect();
    let views = halves.iter().map(|(name, shape, bytes)| {
        (name.as_str(), TensorView::new(Dtype::BF16, shape.clone(), bytes).unwrap())
    });
    let half = safetensors::serialize(views, None).unwrap();
    let loaded = from_safetensors(resnet(0), &half).unwrap();
    let shape = [1, 3, 8, 8];
    let features = |network: &ResNet| network.forward(images(shape, &Device::flex())).into_data();
    features(&loaded).assert_approx_eq::<f32>(
        &features(&resnet(1)),
        burn::tensor::Tolerance::rel_abs(0.05, 0.05),
    );
    assert_eq!(loaded.num_params(), resnet(1).num_params());
}
