//! The values that a pickle describes.

/// A value in a pickle.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    None,
    Int(i64),
    Bytes(Vec<u8>),
    Text(String),
    List(Vec<Self>),
    Dict(Vec<(Self, Self)>),
    /// The name of a Python function or class.
    Name(String),
    /// An object that was not built: the arguments of its function, or itself and its state.
    Object(Vec<Self>),
}

impl Value {
    /// Returns the entry of a dictionary under a key that is text or bytes.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let Self::Dict(entries) = self else { return None };
        let same = |name: &Self| match name {
            Self::Text(name) => name == key,
            Self::Bytes(name) => name == key.as_bytes(),
            _ => false,
        };
        entries.iter().find(|(name, _)| same(name)).map(|(_, value)| value)
    }

    /// Returns the text of a string or of a byte string.
    pub(crate) fn text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Bytes(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        }
    }

    /// Returns the depth of nesting, 1 for a value without others in it.
    pub(super) fn depth(&self) -> usize {
        let deepest = match self {
            Self::List(parts) | Self::Object(parts) => parts.iter().map(Self::depth).max(),
            Self::Dict(entries) => {
                entries.iter().map(|(key, value)| key.depth().max(value.depth())).max()
            }
            _ => None,
        };
        1 + deepest.unwrap_or(0)
    }

    /// Returns the approximate number of bytes the value takes in memory, or `None` if it holds
    /// other values.
    pub(super) fn size(&self) -> Option<usize> {
        let content = match self {
            Self::None | Self::Int(_) => 0,
            Self::Bytes(bytes) => bytes.len(),
            Self::Text(text) | Self::Name(text) => text.len(),
            Self::List(_) | Self::Dict(_) | Self::Object(_) => return None,
        };
        Some(size_of::<Self>() + content)
    }

    /// Returns the bytes of a byte string, or the longest byte string within an array.
    pub(crate) fn bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::List(parts) | Self::Object(parts) => {
                parts.iter().filter_map(Self::bytes).max_by_key(|bytes| bytes.len())
            }
            _ => None,
        }
    }
}
