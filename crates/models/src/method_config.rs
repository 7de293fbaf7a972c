//! The settings of any method.

use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::method_table::for_all_methods;
#[allow(clippy::wildcard_imports, reason = "the table names them all")]
use crate::methods::*;
use crate::{AnyBackbone, AnyMethod, MethodName, Needs, Seed};

/// The error of an encoder that a method cannot train.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{} masks tokens, so it needs a vision transformer, such as `vit_tiny`, and not a {encoder}",
    method.title()
)]
pub struct NoTokens {
    /// The method.
    pub method: MethodName,
    /// The family of the encoder.
    pub encoder: &'static str,
}

macro_rules! configs {
    ($($method:ident($config:ty), $key:literal, $title:literal, $paper:literal, $views:expr,
        $needs:ident, $about:literal;)+) => {
        /// The settings of a method that is chosen at run time.
        ///
        /// In JSON and TOML the settings stand beside the `name` of the method; those left out have
        /// their defaults.
        ///
        /// # Example
        /// ```
        /// use burn::tensor::Device;
        /// use selfsame_models::{MethodConfig, MethodName, backbone};
        ///
        /// let text = r#"{"name": "simclr", "temperature": 0.2}"#;
        /// let config: MethodConfig = serde_json::from_str(text).unwrap();
        /// assert_eq!(config.name(), MethodName::SimClr);
        /// assert!(serde_json::from_str::<MethodConfig>(&text.replace("temp", "tamp")).is_err());
        ///
        /// let device = Device::flex().autodiff();
        /// let encoder = backbone("resnet10")?.for_images(32).with_width(4).init(0, &device);
        /// let _method = config.init(encoder, 0, &device)?;
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "name")]
        pub enum MethodConfig {
            $(#[doc = concat!("[`", stringify!($config), "`]")] #[serde(rename = $key)] $method($config)),+
        }

        impl MethodConfig {
            /// Returns the name of the method.
            #[must_use]
            pub fn name(&self) -> MethodName {
                match self { $(Self::$method(_) => MethodName::$method),+ }
            }

            /// Creates the method around `encoder`.
            ///
            /// # Errors
            /// If the method masks tokens, and the encoder has none.
            pub fn init(
                &self,
                encoder: AnyBackbone,
                seed: impl Into<Seed>,
                device: &Device,
            ) -> Result<AnyMethod, NoTokens> {
                let method = self.name();
                if method.needs() == Needs::Tokens && !encoder.has_tokens() {
                    return Err(NoTokens { method, encoder: encoder.family() });
                }
                Ok(match self {
                    $(Self::$method(config) => AnyMethod::$method(config.init(encoder, seed, device))),+
                })
            }
        }
    };
}

for_all_methods!(configs);
