//! Methods by name.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::MethodConfig;
use crate::method_table::for_all_methods;

/// What a method needs besides views of images.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Needs {
    /// Nothing.
    Nothing,
    /// A label for every sample.
    Labels,
    /// An encoder that cuts an image into tokens, such as a vision transformer.
    Tokens,
}

/// The error of a name that no method has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no method is called `{name}`; there are {}", MethodName::keys().join(", "))]
pub struct UnknownMethod {
    /// The name.
    pub name: String,
}

macro_rules! names {
    ($($method:ident($config:ty), $key:literal, $title:literal, $paper:literal, $views:expr,
        $needs:ident, $about:literal;)+) => {
        /// A method by name: a program lists, parses and describes all methods by it.
        ///
        /// # Example
        /// ```
        /// use selfsame_models::MethodName;
        ///
        /// let name: MethodName = "barlow-twins".parse()?;
        /// assert_eq!((name.key(), name.title()), ("barlow_twins", "Barlow Twins"));
        /// assert!(MethodName::ALL.contains(&name) && name.views().contains(&2));
        /// assert!("simclear".parse::<MethodName>().is_err());
        /// # Ok::<(), selfsame_models::UnknownMethod>(())
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum MethodName {
            $(#[doc = concat!($title, ": ", $about, ".")] #[serde(rename = $key)] $method),+
        }

        impl MethodName {
            /// All methods.
            pub const ALL: &[Self] = &[$(Self::$method),+];

            /// Returns the name in files and on command lines, such as `barlow_twins`.
            #[must_use]
            pub fn key(self) -> &'static str {
                match self { $(Self::$method => $key),+ }
            }

            /// Returns the name as the paper writes it, such as `Barlow Twins`.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$method => $title),+ }
            }

            /// Returns what the method does, in half a sentence.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Self::$method => $about),+ }
            }

            /// Returns the address of the paper.
            #[must_use]
            pub fn paper(self) -> &'static str {
                match self { $(Self::$method => concat!("https://", $paper)),+ }
            }

            /// Returns the numbers of views of a sample that it can learn from.
            #[must_use]
            pub fn views(self) -> RangeInclusive<usize> {
                match self { $(Self::$method => $views),+ }
            }

            /// Returns what it needs besides views.
            #[must_use]
            pub fn needs(self) -> Needs {
                match self { $(Self::$method => Needs::$needs),+ }
            }

            /// Returns the default settings.
            #[must_use]
            pub fn config(self) -> MethodConfig {
                match self { $(Self::$method => MethodConfig::$method(Default::default())),+ }
            }
        }
    };
}

for_all_methods!(names);

impl MethodName {
    fn keys() -> Vec<&'static str> {
        Self::ALL.iter().map(|method| method.key()).collect()
    }
}

impl fmt::Display for MethodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.key())
    }
}

impl FromStr for MethodName {
    type Err = UnknownMethod;

    /// Reads a key, with `-` or `_` or neither, and in any case.
    fn from_str(name: &str) -> Result<Self, UnknownMethod> {
        let letters = |name: &str| name.to_lowercase().replace(['-', '_'], "");
        let found = Self::ALL.iter().find(|method| letters(method.key()) == letters(name));
        found.copied().ok_or_else(|| UnknownMethod { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_and_written() {
        for &method in MethodName::ALL {
            assert_eq!(method.to_string().parse(), Ok(method));
            assert_eq!(method.key().replace('_', "-").to_uppercase().parse(), Ok(method));
            let json = serde_json::to_string(&method).unwrap();
            assert_eq!(json, format!("\"{}\"", method.key()));
            assert_eq!(serde_json::from_str::<MethodName>(&json).unwrap(), method);
            assert!(!method.about().ends_with('.') && method.paper().contains(".org/"));
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        let error = "simclear".parse::<MethodName>().unwrap_err().to_string();
        assert!(error.starts_with("no method is called `simclear`; there are simclr, "), "{error}");
    }
}
