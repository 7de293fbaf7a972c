//! Methods that are chosen at run time.

use burn::optim::GradientsParams;

use crate::method_table::for_all_methods;
#[allow(clippy::wildcard_imports, reason = "the table names them all")]
use crate::methods::*;
use crate::one_of::one_of;
use crate::{AnyBackbone, Batch, Context, Method, Step};

/// What [`AnyMethod`] carries from a step to the update.
#[derive(Debug)]
pub struct AnyCarry(Carry);

macro_rules! any_method {
    ($($method:ident($config:ty), $key:literal, $title:literal, $paper:literal, $views:expr,
        $needs:ident, $about:literal;)+) => {
        one_of! {
            /// Any of our methods, around any of our encoders.
            ///
            /// It is built by [`MethodConfig::init`](crate::MethodConfig::init) and does what the method
            /// inside does; its weights have the same names.
            ///
            /// # Example
            /// ```
            /// use burn::tensor::{Device, Tensor};
            /// use selfsame_models::{Batch, Context, Method, MethodName, backbone};
            ///
            /// let device = Device::flex().autodiff();
            /// let view = Tensor::random([4, 3, 8, 8], burn::tensor::Distribution::Default, &device);
            /// for name in [MethodName::SimClr, MethodName::Byol] {
            ///     let encoder = backbone("resnet10")?.for_images(8).with_width(2).init(0, &device);
            ///     let mut method = name.config().init(encoder, 0, &device)?;
            ///     let step = method.step(&Batch::new(vec![view.clone(); 2]), &Context::default());
            ///     method.after_update(vec![step.carry], &Context::default());
            ///     assert!(step.loss.into_scalar::<f32>() > 0.0);
            /// }
            /// # Ok::<(), Box<dyn std::error::Error>>(())
            /// ```
            AnyMethod {
                $(#[doc = concat!($title, ".")] $method($method<AnyBackbone>)),+
            }
        }

        #[derive(Debug)]
        enum Carry {
            $($method(<$method<AnyBackbone> as Method>::Carry)),+
        }

        impl Method for AnyMethod {
            type Batch = Batch;
            type Encoder = AnyBackbone;
            type Carry = AnyCarry;

            fn step(&self, batch: &Batch, context: &Context) -> Step<AnyCarry> {
                match self {
                    $(Self::$method(method) => {
                        let Step { loss, embedding, terms, carry } = method.step(batch, context);
                        Step { loss, embedding, terms, carry: AnyCarry(Carry::$method(carry)) }
                    })+
                }
            }

            fn filter(&self, gradients: GradientsParams, context: &Context) -> GradientsParams {
                match self { $(Self::$method(method) => method.filter(gradients, context)),+ }
            }

            fn after_update(&mut self, carries: Vec<AnyCarry>, context: &Context) {
                match self {
                    $(Self::$method(method) => {
                        let own = |AnyCarry(carry)| match carry {
                            Carry::$method(carry) => carry,
                            other => panic!("a {other:?} was handed to {}", $title),
                        };
                        method.after_update(carries.into_iter().map(own).collect(), context);
                    })+
                }
            }

            fn encoder(&self) -> &AnyBackbone {
                match self { $(Self::$method(method) => method.encoder()),+ }
            }

            fn constant_rate(&self) -> &'static [&'static str] {
                match self { $(Self::$method(method) => method.constant_rate()),+ }
            }

            fn collapse_advice(&self) -> &'static str {
                match self { $(Self::$method(method) => method.collapse_advice()),+ }
            }

            /// Returns the settings of the method inside, with its `name`.
            fn settings(&self) -> serde_json::Value {
                let (name, mut settings) = match self {
                    $(Self::$method(method) => ($key, method.settings())),+
                };
                if let Some(settings) = settings.as_object_mut() {
                    settings.insert("name".to_owned(), name.into());
                }
                settings
            }
        }
    };
}

for_all_methods!(any_method);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Backbone, Clock, MethodName, SimClrConfig, backbone, from_safetensors, to_safetensors,
    };
    use burn::optim::GradientsParams;
    use burn::tensor::{Device, Distribution, Tensor};

    fn views(count: usize, side: usize, device: &Device) -> Batch {
        device.seed(1);
        let view = |_| Tensor::random([4, 3, side, side], Distribution::Normal(0.0, 1.0), device);
        let labels = [0, 1, 0, 1].map(Some).to_vec();
        Batch::new((0..count).map(view).collect())
            .with_indices((0..4).collect())
            .with_labels(labels)
    }

    #[test]
    fn every_method_steps_with_finite_gradients_and_takes_its_carry_back() {
        let device = Device::flex().autodiff();
        for &name in MethodName::ALL {
            let network =
                if name.needs() == crate::Needs::Tokens { "vit_tiny" } else { "resnet10" };
            let encoder = backbone(network).unwrap().for_images(16).with_width(12);
            let encoder = encoder.init(0, &device);
            let mut method = name.config().init(encoder, 0, &device).unwrap();
            let context = Context::new(Clock { steps_per_epoch: 2, epochs: 2, ..Clock::default() });
            let step = method.step(&views(*name.views().start(), 16, &device), &context);
            let loss = step.loss.clone().into_scalar::<f32>();
            assert!(loss.is_finite(), "{name}: {loss}");
            let gradients = GradientsParams::from_grads(step.loss.backward(), &method);
            let gradients = method.filter(gradients, &context);
            assert!(!gradients.is_empty(), "{name}");
            method.after_update(vec![step.carry], &context);
            assert_eq!(method.settings()["name"], name.key());
            let config = serde_json::to_value(name.config()).unwrap();
            for (key, value) in config.as_object().unwrap() {
                assert_eq!(&method.settings()[key], value, "{key} of {name}");
            }
        }
    }

    #[test]
    fn weights_have_the_names_of_the_method_inside() {
        let device = Device::flex();
        let encoder = backbone("resnet10").unwrap().for_images(32).with_width(2);
        let any = MethodName::SimClr.config().init(encoder.init(3, &device), 5, &device).unwrap();
        let resnet = crate::ResNetConfig::resnet10(2).init(3, &device);
        let plain = SimClrConfig::default().init(resnet, 5, &device);
        let bytes = to_safetensors(&plain, "").unwrap();
        assert!(bytes == to_safetensors(&any, "").unwrap());
        assert!(from_safetensors(any, &bytes).is_ok());
    }

    #[test]
    fn what_masks_tokens_is_refused_without_them() {
        let device = Device::flex();
        for &name in MethodName::ALL {
            let encoder = backbone("resnet10").unwrap().for_images(32).with_width(2);
            assert_eq!(encoder.init(0, &device).d_output(), 16);
            let made = name.config().init(encoder.init(0, &device), 0, &device);
            assert_eq!(made.is_err(), name.needs() == crate::Needs::Tokens, "{name}");
        }
    }
}
