//! What a data set holds that is not used, counted by reason.

use std::fmt;

/// What a data set holds that is not used, counted by reason, so that nothing is omitted silently.
///
/// # Example
/// ```
/// use selfsame_datasets::Omitted;
///
/// let mut omitted = Omitted::default();
/// omitted.add("not named as an image", "notes.txt");
/// omitted.add("not named as an image", "labels.xml");
/// assert_eq!(omitted.to_string(), "2 not named as an image, such as notes.txt");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Omitted {
    entries: Vec<Omission>,
}

/// Files that are not used for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Omission {
    /// The reason, which reads on after a number: "not named as an image".
    pub reason: String,
    /// Number of files, at least 1.
    pub count: usize,
    /// The first of them.
    pub example: String,
}

impl Omitted {
    /// Counts a file that is not used for `reason`.
    pub fn add(&mut self, reason: &str, example: impl Into<String>) {
        self.add_many(reason, 1, example);
    }

    /// Counts `count` files that are not used for `reason`; `example` is the first of them. Changes
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

    /// Returns the number of files that are not used.
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
            let example =
                if *count == 1 { format!(": {example}") } else { format!(", such as {example}") };
            write!(f, "{line}{count} {reason}{example}")?;
        }
        Ok(())
    }
}
