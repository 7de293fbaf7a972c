//! What can be wrong with a file of weights.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;

use safetensors::SafeTensorError;

/// The reason why weights could not be written or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WeightsError {
    /// The file cannot be opened.
    #[error("`{}` cannot be read", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The content is in no known format.
    #[error("this is neither a safetensors file nor a PyTorch checkpoint, or it is damaged")]
    Format(#[source] Box<dyn Error + Send + Sync>),
    /// The file has a checksum, which its weights do not have.
    #[error(
        "the file is damaged: its weights are not as they were written; copy or write it again"
    )]
    Damaged,
    /// The file has the network several times.
    #[error(
        "the file has the network more than once, under {}; choose one with `WeightsFile::under`",
        names(prefixes, usize::MAX)
    )]
    Ambiguous {
        /// What stands before the names of each.
        prefixes: Vec<String>,
    },
    /// The file was made by a different network.
    #[error("the file is of another network: {0}")]
    Mismatch(Mismatch),
    /// The tensors cannot be written.
    #[error("the weights cannot be written")]
    Write(#[from] SafeTensorError),
}

impl WeightsError {
    pub(super) fn format(error: impl Error + Send + Sync + 'static) -> Self {
        Self::Format(Box::new(error))
    }
}

/// All that differs between a file and a network. Displayed, long lists are shortened.
///
/// # Example
/// ```
/// let mismatch = selfsame_models::Mismatch {
///     missing: vec!["conv1.weight".into()],
///     unused: vec!["conv1.bias".into(), "conv2.bias".into()],
///     different: Vec::new(),
/// };
/// let text = "the file has no `conv1.weight`; the network has no `conv1.bias`, `conv2.bias`";
/// assert_eq!(mismatch.to_string(), text);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// Names that the file lacks.
    pub missing: Vec<String>,
    /// Names in the file that the network lacks.
    pub unused: Vec<String>,
    /// Names that both have, but in another shape or of another type.
    pub different: Vec<Difference>,
}

/// A tensor that the file and the network have in different forms.
///
/// # Example
/// ```
/// use selfsame_models::Difference;
///
/// let [found, wanted] = ["I64", "a floating-point type"].map(str::to_owned);
/// let difference = Difference { name: "bn1.weight".into(), found, wanted };
/// let text = "`bn1.weight` is I64 in the file and a floating-point type in the network";
/// assert_eq!(difference.to_string(), text);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Name in the file.
    pub name: String,
    /// Its shape or type in the file.
    pub found: String,
    /// Its shape or type in the network.
    pub wanted: String,
}

impl Mismatch {
    pub(super) fn is_empty(&self) -> bool {
        self.missing.is_empty() && self.unused.is_empty() && self.different.is_empty()
    }
}

/// How many names of each kind are displayed.
const SHOWN: usize = 8;

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if !self.missing.is_empty() {
            parts.push(format!("the file has no {}", names(&self.missing, SHOWN)));
        }
        if !self.unused.is_empty() {
            parts.push(format!("the network has no {}", names(&self.unused, SHOWN)));
        }
        parts.extend(self.different.iter().take(SHOWN).map(Difference::to_string));
        if let more @ 1.. = self.different.len().saturating_sub(SHOWN) {
            parts.push(format!("and {more} more"));
        }
        f.write_str(&parts.join("; "))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, found, wanted } = self;
        write!(f, "`{name}` is {found} in the file and {wanted} in the network")
    }
}

/// Returns the first names in backticks, and the number of the others.
fn names(names: &[String], shown: usize) -> String {
    let first: Vec<String> = names.iter().take(shown).map(|name| format!("`{name}`")).collect();
    match names.len().saturating_sub(shown) {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
