//! The parameters of a case, each of which must be read.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Debug;

use serde_json::{Map, Value};

/// A JSON object that remembers which of its fields were read.
pub(crate) struct Params<'a> {
    loss: &'a str,
    fields: &'a Map<String, Value>,
    read: RefCell<BTreeSet<&'a str>>,
}

impl<'a> Params<'a> {
    pub(crate) fn new(loss: &'a str, fields: &'a Map<String, Value>) -> Self {
        Self { loss, fields, read: RefCell::default() }
    }

    fn get(&self, name: &str) -> &'a Value {
        let field = self.fields.get_key_value(name);
        let (name, value) = field.unwrap_or_else(|| panic!("{}: no parameter `{name}`", self.loss));
        self.read.borrow_mut().insert(name);
        value
    }

    pub(crate) fn number(&self, name: &str) -> f64 {
        let value = self.get(name);
        value.as_f64().unwrap_or_else(|| self.unknown(name, value))
    }

    /// A whole number from 0 on.
    pub(crate) fn count(&self, name: &str) -> usize {
        let count = self.number(name);
        if count < 0.0 || count.fract() != 0.0 {
            self.unknown(name, self.get(name));
        }
        count as usize
    }

    /// `None` where the field is null.
    pub(crate) fn optional<T>(&self, name: &str, read: impl FnOnce(&Self, &str) -> T) -> Option<T> {
        (!self.get(name).is_null()).then(|| read(self, name))
    }

    /// A JSON object in a field.
    pub(crate) fn nested<T>(&self, name: &str, read: impl FnOnce(&Self) -> T) -> T {
        let value = self.get(name);
        let fields = value.as_object().unwrap_or_else(|| self.unknown(name, value));
        let params = Self::new(self.loss, fields);
        let found = read(&params);
        params.assert_all_read();
        found
    }

    /// One of these variants without fields, by its name.
    pub(crate) fn variant<T: Copy + Debug>(&self, name: &str, variants: &[T]) -> T {
        let value = self.get(name);
        let named = |variant: &&T| value.as_str() == Some(&format!("{variant:?}"));
        *variants.iter().find(named).unwrap_or_else(|| self.unknown(name, value))
    }

    /// Whether the field is this string.
    pub(crate) fn is(&self, name: &str, text: &str) -> bool {
        self.get(name) == text
    }

    /// Fails, naming a value that has no meaning here.
    pub(crate) fn unknown(&self, name: &str, value: &Value) -> ! {
        panic!("{}: parameter `{name}` cannot be {value}", self.loss)
    }

    pub(crate) fn assert_all_read(&self) {
        let read = self.read.borrow();
        let unknown: Vec<&String> =
            self.fields.keys().filter(|name| !read.contains(name.as_str())).collect();
        assert!(unknown.is_empty(), "{}: unknown parameters {unknown:?}", self.loss);
    }
}
