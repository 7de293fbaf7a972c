//! Verdict on the health of features, with the figures behind it.

use std::fmt::Write as _;

use crate::Table;
use crate::escape::escape;

/// How good a verdict is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthLevel {
    /// Nothing to do.
    Good,
    /// Worth a look.
    Warning,
    /// The features are of little use.
    Bad,
}

/// Verdict in words, what to do about it, and the figures behind it.
///
/// # Example
/// ```
/// use selfsame_report::{HealthCard, HealthLevel, Page};
///
/// let mut card = HealthCard::new(HealthLevel::Bad, "collapsed");
/// card.advice("Raise the weight of the variance term.");
/// card.figure("features' std", "0.002", "0.044 if spread evenly");
/// let mut page = Page::new("Health");
/// page.health(&card);
/// let html = page.to_string();
/// assert!(html.contains("health bad") && html.contains("0.044 if spread evenly"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCard {
    level: HealthLevel,
    verdict: String,
    advice: Vec<String>,
    figures: Table,
}

impl HealthCard {
    /// Begins with the verdict.
    #[must_use]
    pub fn new(level: HealthLevel, verdict: &str) -> Self {
        let figures = Table::new(["figure", "value", "reading"]);
        Self { level, verdict: verdict.to_owned(), advice: Vec::new(), figures }
    }

    /// Adds what to do.
    pub fn advice(&mut self, text: &str) -> &mut Self {
        self.advice.push(text.to_owned());
        self
    }

    /// Adds a figure, its value, and how to read it.
    pub fn figure(&mut self, name: &str, value: &str, reading: &str) -> &mut Self {
        self.figures.row([name, value, reading]);
        self
    }

    pub(crate) fn to_html(&self) -> String {
        let (class, mark) = match self.level {
            HealthLevel::Good => ("good", "✓"),
            HealthLevel::Warning => ("warning", "!"),
            HealthLevel::Bad => ("bad", "✗"),
        };
        let mut advice = String::new();
        for text in &self.advice {
            let _ = write!(advice, "<p>{}</p>", escape(text));
        }
        format!(
            "<section class=\"health {class}\"><p class=verdict><b aria-hidden=true>{mark}</b> {}</p>\
             {advice}{}</section>",
            escape(&self.verdict),
            self.figures.to_html()
        )
    }
}
