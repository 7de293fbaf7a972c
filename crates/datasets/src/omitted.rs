//! What a data set holds that is not used, counted by reason.

use std::fmt;

/// What a data set holds that is not used, counted by reason, so that nothing is omitted silently.
///
/// # Example
/// ```
/// use selfsame_datasets::Omitted;
///
/// let mut omitted = Omitted::default();
/// omitted.add("files ending in .txt", "notes.txt");
/// omitted.add("files ending in .txt", "more.txt");
/// omitted.add("empty folders", "old/");
/// assert_eq!(
///     omitted.to_string(),
///     "files ending in .txt: 2, such as notes.txt\nempty folders: 1 (old/)"
/// );
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Omitted {
    entries: Vec<Omission>,
}

/// What is not used for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Omission {
    /// What is not used, in the plural and with the reason: "images in no split".
    pub reason: String,
    /// Their number, at least 1.
    pub count: usize,
    /// The first of them.
    pub example: String,
}

impl Omitted {
    /// Counts one more that is not used for `reason`, a plural such as "files ending in .txt".
    pub fn add(&mut self, reason: &str, example: impl Into<String>) {
        self.add_many(reason, 1, example);
    }

    /// Counts `count` more that are not used for `reason`; `example` is the first of them. Changes
    /// nothing if there are none.
    pub fn add_many(&mut self, reason: &str, count: usize, example: impl Into<String>) {
        if count == 0 {
            return;
        }
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.reason == reason) {
            entry.count += count;
        } else {
            let (reason, example) = (reason.to_owned(), example.into());
            self.entries.push(Omission { reason, count, example });
        }
    }

    /// Counts all that another part of the data set omits.
    pub fn extend(&mut self, other: Self) {
        for Omission { reason, count, example } in other.entries {
            self.add_many(&reason, count, example);
        }
    }

    /// Returns one entry for each reason, in the order in which they were met.
    #[must_use]
    pub fn entries(&self) -> &[Omission] {
        &self.entries
    }

    /// Returns the number of all that is not used.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.iter().map(|entry| entry.count).sum()
    }

    /// Returns whether everything is used.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// A line for each reason.
impl fmt::Display for Omitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, entry) in self.entries.iter().enumerate() {
            let line = if number > 0 { "\n" } else { "" };
            let Omission { reason, count, example } = entry;
            match count {
                1 => write!(f, "{line}{reason}: 1 ({example})")?,
                _ => write!(f, "{line}{reason}: {count}, such as {example}")?,
            }
        }
        Ok(())
    }
}
