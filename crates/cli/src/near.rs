//! The name that was probably meant.

/// Returns the name nearest to `typed`, if it is near enough to be a slip.
pub(crate) fn near<'a>(typed: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed: Vec<char> = typed.to_lowercase().chars().collect();
    let distances = names.into_iter().map(|name| (edits(&typed, name), name));
    let (distance, name) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= typed.len().div_ceil(3)).then_some(name)
}

/// Returns how many letters are put in, left out or changed between two words.
fn edits(typed: &[char], name: &str) -> usize {
    let mut row: Vec<usize> = (0..=typed.len()).collect();
    for (index, letter) in name.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for column in 1..row.len() {
            let changed = diagonal + usize::from(typed[column - 1] != letter);
            diagonal = row[column];
            row[column] = changed.min(row[column] + 1).min(row[column - 1] + 1);
        }
    }
    row[typed.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_mended_and_another_word_is_not() {
        let names = ["seed", "epochs", "batch_size"];
        assert_eq!(near("sede", names), Some("seed"));
        assert_eq!(near("Epoch", names), Some("epochs"));
        assert_eq!(near("batchsize", names), Some("batch_size"));
        assert_eq!(near("optimizer", names), None);
        assert_eq!(near("x", []), None);
    }
}
