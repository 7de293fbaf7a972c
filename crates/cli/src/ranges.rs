//! Ranges of the numbers of methods and encoders, whatever they are.

use anyhow::ensure;
use serde_json::Value;

/// Checks the numbers in a tree of settings by their names; `path` is that of the tree.
pub(crate) fn check_ranges(path: &str, tree: &Value) -> anyhow::Result<()> {
    match tree {
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| {
            let path = format!("{path}.{name}");
            check(&path, name, value)?;
            check_ranges(&path, value)
        }),
        _ => Ok(()),
    }
}

fn check(path: &str, name: &str, value: &Value) -> anyhow::Result<()> {
    const COUNTS: [&str; 10] = [
        "layers",
        "prototypes",
        "width",
        "dim",
        "depth",
        "heads",
        "patch",
        "image",
        "iterations",
        "groups",
    ];
    const WEIGHTS: [&str; 4] = ["variance", "invariance", "covariance", "correlation"];
    let number = value.as_f64();
    if name.ends_with("temperature") || name == "epsilon" {
        ensure!(number.is_none_or(|it| it > 0.0), "`{path}` must be above 0, not {value}");
    } else if name.starts_with("d_") || COUNTS.contains(&name) {
        ensure!(number.is_none_or(|it| it >= 1.0), "`{path}` must be 1 or more, not {value}");
    } else if WEIGHTS.contains(&name) {
        ensure!(number.is_none_or(|it| it >= 0.0), "`{path}` must be 0 or more, not {value}");
    } else if name == "channels" {
        ensure!(
            number.is_none_or(|it| it.to_bits() == 3.0_f64.to_bits()),
            "`{path}` must be 3, the channels of views, not {value}"
        );
    } else if ["blocks", "widths", "dims", "depths"].contains(&name) {
        let sizes = value.as_array().map_or(&[][..], Vec::as_slice);
        ensure!(
            !sizes.is_empty() && sizes.iter().all(|size| size.as_u64() != Some(0)),
            "`{path}` must be numbers of 1 or more, not {value}"
        );
    } else if name == "momentum" {
        let numbers = value.as_object().map_or_else(
            || number.into_iter().collect(),
            |schedule| schedule.values().filter_map(Value::as_f64).collect::<Vec<_>>(),
        );
        let is_share = numbers.iter().all(|it| (0.0..=1.0).contains(it));
        ensure!(is_share, "`{path}` must be 0 to 1, not {value}");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use selfsame::models::{BACKBONES, MethodName, backbone};
    use selfsame::train::Preset;
    use serde_json::json;

    #[test]
    fn what_is_published_is_in_range() {
        for &method in MethodName::ALL {
            for preset in [Preset::cifar10, Preset::imagenet, Preset::shapes].map(|it| it(method)) {
                check_ranges("method", &serde_json::to_value(&preset.method).unwrap()).unwrap();
                check_ranges("backbone", &serde_json::to_value(&preset.backbone).unwrap()).unwrap();
            }
            check_ranges("method", &serde_json::to_value(method.config()).unwrap()).unwrap();
        }
        for (name, _) in BACKBONES {
            let tree = serde_json::to_value(backbone(name).unwrap()).unwrap();
            check_ranges("backbone", &tree).unwrap();
        }
    }

    #[test]
    fn what_no_method_can_use_is_named() {
        for (tree, named) in [
            (json!({"temperature": 0.0}), "m.temperature"),
            (json!({"teacher_temperature": -1}), "m.teacher_temperature"),
            (json!({"d_output": 0}), "m.d_output"),
            (json!({"blocks": [2, 2, 0]}), "m.blocks"),
            (json!({"blocks": []}), "m.blocks"),
            (json!({"channels": 1}), "m.channels"),
            (json!({"momentum": 1.5}), "m.momentum"),
            (json!({"momentum": {"name": "cosine", "first": 2.0, "last": 1.0}}), "m.momentum"),
            (json!({"head": {"layers": 0}}), "m.head.layers"),
        ] {
            let error = check_ranges("m", &tree).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
