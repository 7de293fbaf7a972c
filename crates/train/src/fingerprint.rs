//! What decides the result of a run, to compare a checkpoint with.

use std::collections::{BTreeMap, BTreeSet};

use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Bool, Int, Tensor};
use serde_json::Value;

/// Everything that decides the result of a run, by name.
pub(crate) type Fingerprint = BTreeMap<String, String>;

/// Adds the values of a JSON object under their paths, such as `method.temperature`.
pub(crate) fn add_json(fingerprint: &mut Fingerprint, path: &str, value: &Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                add_json(fingerprint, &format!("{path}.{name}"), value);
            }
        }
        Value::Null => {}
        value => {
            fingerprint.insert(path.to_owned(), value.to_string());
        }
    }
}

/// Returns the name of a type without the paths of its parts, such as `SimClr<ResNet>`.
pub(crate) fn short_type_name<T>() -> String {
    let name = std::any::type_name::<T>();
    let parts = name.split_inclusive(['<', '>', ',', ' ']);
    parts.map(|part| part.rsplit_once("::").map_or(part, |(_, short)| short)).collect()
}

/// Adds the shape of every parameter and state of a module under its path.
pub(crate) fn add_shapes<M: Module>(fingerprint: &mut Fingerprint, module: &M) {
    module.visit(&mut Shapes { path: Vec::new(), fingerprint });
}

struct Shapes<'a> {
    path: Vec<String>,
    fingerprint: &'a mut Fingerprint,
}

impl Shapes<'_> {
    fn add(&mut self, dims: &[usize]) {
        let name = format!("the shape of {}", self.path.join("."));
        self.fingerprint.insert(name, format!("{dims:?}"));
    }
}

impl ModuleVisitor for Shapes<'_> {
    fn enter_module(&mut self, name: &str, _container: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.add(&param.val().dims());
    }

    fn visit_int<const D: usize>(&mut self, param: &Param<Tensor<D, Int>>) {
        self.add(&param.val().dims());
    }

    fn visit_bool<const D: usize>(&mut self, param: &Param<Tensor<D, Bool>>) {
        self.add(&param.val().dims());
    }
}

/// Differences that are named in a message; the others are counted.
const NAMED: usize = 6;
/// Characters of a value that are shown.
const SHOWN: usize = 48;

/// Says what differs, for example `method.temperature was 0.5 and is 0.1`; `None` if nothing does.
pub(crate) fn differences(then: &Fingerprint, now: &Fingerprint) -> Option<String> {
    let names: BTreeSet<&String> = then.keys().chain(now.keys()).collect();
    let differing = names.into_iter().filter(|name| then.get(*name) != now.get(*name));
    let sentences: Vec<String> = differing
        .map(|name| match (then.get(name), now.get(name)) {
            (Some(then), Some(now)) => {
                let (then, now) = around_first_difference(then, now);
                format!("{name} was {then} and is {now}")
            }
            (Some(_), None) => format!("{name} is gone"),
            _ => format!("{name} is new"),
        })
        .collect();
    let more = sentences.len().saturating_sub(NAMED);
    let shown = sentences.get(..NAMED).unwrap_or(&sentences).join("; ");
    match (sentences.len(), more) {
        (0, _) => None,
        (_, 0) => Some(shown),
        _ => Some(format!("{shown}; and {more} more differ")),
    }
}

/// Shortens two long texts to the part around the first place where they differ.
fn around_first_difference(a: &str, b: &str) -> (String, String) {
    let same = a.chars().zip(b.chars()).take_while(|(a, b)| a == b).count();
    let shown = |text: &str| {
        let length = text.chars().count();
        if length <= SHOWN {
            return text.to_owned();
        }
        let first = same.saturating_sub(SHOWN / 2).min(length - SHOWN);
        let part: String = text.chars().skip(first).take(SHOWN).collect();
        let (left, right) = (first > 0, first + SHOWN < length);
        format!("{}{part}{}", if left { "…" } else { "" }, if right { "…" } else { "" })
    };
    (shown(a), shown(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(entries: &[(&str, &str)]) -> Fingerprint {
        entries.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_differs_is_named_with_both_values() {
        let then = of(&[("a", "1"), ("b", "2"), ("gone", "3")]);
        let now = of(&[("a", "1"), ("b", "4"), ("new", "5")]);
        let found = differences(&then, &now).unwrap();
        assert_eq!(found, "b was 2 and is 4; gone is gone; new is new");
        assert_eq!(differences(&then, &then), None);
    }

    #[test]
    fn long_texts_are_shown_around_their_difference_and_many_are_counted() {
        let [a, b] = ["0.4", "0.8"]
            .map(|value| format!("{}jitter {value} {}", "x".repeat(99), "y".repeat(99)));
        let found = differences(&of(&[("views", &a)]), &of(&[("views", &b)])).unwrap();
        assert!(found.contains("jitter 0.4 y") && found.contains("jitter 0.8 y"), "{found}");
        assert!(found.chars().count() < 150, "{found}");
        let many: Fingerprint = (0..9).map(|n| (n.to_string(), n.to_string())).collect();
        assert!(differences(&many, &of(&[])).unwrap().ends_with("; and 3 more differ"));
    }

    #[test]
    fn a_type_is_named_without_paths() {
        assert_eq!(short_type_name::<Option<Vec<std::time::Duration>>>(), "Option<Vec<Duration>>");
    }

    #[test]
    fn json_is_named_by_path() {
        let mut found = Fingerprint::new();
        add_json(&mut found, "method", &serde_json::json!({"a": {"b": 0.5}, "c": null, "d": [1]}));
        assert_eq!(found, of(&[("method.a.b", "0.5"), ("method.d", "[1]")]));
    }
}
