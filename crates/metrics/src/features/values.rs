//! The values of features: their own, or those of someone else.

use std::fmt;
use std::sync::Arc;

/// Values that are owned, or shared until they are changed.
#[derive(Clone)]
pub(super) enum Values {
    Owned(Vec<f32>),
    Shared(Arc<dyn AsRef<[f32]> + Send + Sync>),
}

impl Values {
    pub(super) fn as_slice(&self) -> &[f32] {
        match self {
            Self::Owned(values) => values,
            Self::Shared(values) => (**values).as_ref(),
        }
    }

    /// Returns the values to be changed, after a copy if they are shared.
    pub(super) fn to_mut(&mut self) -> &mut Vec<f32> {
        if let Self::Shared(values) = self {
            *self = Self::Owned((**values).as_ref().to_vec());
        }
        match self {
            Self::Owned(values) => values,
            Self::Shared(_) => unreachable!("shared values were copied above"),
        }
    }
}

impl PartialEq for Values {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_slice().fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_values_are_copied_only_when_they_change() {
        let source: Arc<dyn AsRef<[f32]> + Send + Sync> = Arc::new(vec![1.0, 2.0]);
        let mut values = Values::Shared(Arc::clone(&source));
        let clone = values.clone();
        assert_eq!(clone.as_slice().as_ptr(), (*source).as_ref().as_ptr());
        values.to_mut().push(3.0);
        assert_eq!(values.as_slice(), [1.0, 2.0, 3.0]);
        assert_eq!(clone.as_slice(), [1.0, 2.0]);
        assert_eq!(format!("{clone:?}"), "[1.0, 2.0]");
        assert_ne!(values, clone);
    }
}
