//! Recipes as text.

use std::fmt;

use super::Recipe;

impl fmt::Display for Recipe {
    /// Writes the name and source, a line per operator of each view, and the normalization.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({})", self.name, self.source)?;
        let mut view = 0;
        for same in self.views.chunk_by(|a, b| a == b) {
            let last = view + same.len() - 1;
            match view {
                _ if view == last => writeln!(f, "view {view}:")?,
                _ => writeln!(f, "views {view} to {last}:")?,
            }
            view = last + 1;
            for operator in &same[0] {
                writeln!(f, "  {operator}")?;
            }
        }
        write!(f, "normalized by mean {:?} and std {:?}", self.normalize.mean, self.normalize.std)?;
        self.shown.map_or(Ok(()), |side| write!(f, "\nshown to the encoder in {side} px"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipe_reads_as_text() {
        let text = Recipe::simclr_cifar().to_string();
        assert!(
            text.contains("2002.05709") && text.contains("random resized crop to 32 px"),
            "{text}"
        );
        assert!(text.contains("views 0 to 1:"), "{text}");
    }
}
