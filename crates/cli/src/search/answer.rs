//! What a search finds, for people and for programs.

use std::fmt::Write;

use selfsame::index::Hit;
use selfsame::metrics::Distance;
use serde::Serialize;

use crate::index::IndexFolder;

/// The result of a search, as JSON.
#[derive(Debug, Serialize)]
pub(super) struct Found<'a> {
    /// What the distances are.
    pub distance: Distance,
    pub queries: &'a [Answer],
}

/// An image and its neighbors, nearest first.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    pub query: String,
    pub neighbors: Vec<Neighbor>,
}

#[derive(Debug, Serialize)]
pub(super) struct Neighbor {
    /// Counted from 1.
    pub rank: usize,
    pub distance: f32,
    pub name: String,
    /// Name of its class, if it has a label.
    pub label: Option<String>,
}

impl Answer {
    pub(super) fn new(folder: &IndexFolder, query: String, hits: &[Hit]) -> Self {
        let neighbor = |(place, hit): (usize, &Hit)| Neighbor {
            rank: place + 1,
            distance: hit.distance,
            name: folder.name(hit.position).to_owned(),
            label: folder.class(hit.position),
        };
        Self { query, neighbors: hits.iter().enumerate().map(neighbor).collect() }
    }
}

/// Returns a table for each image, under its name if there are several. Labels have a column if
/// there are any.
pub(super) fn text(answers: &[Answer]) -> String {
    let neighbors = || answers.iter().flat_map(|answer| &answer.neighbors);
    let labels = neighbors().filter_map(|neighbor| neighbor.label.as_deref());
    let width = labels.map(|label| label.chars().count() + 2).max();
    let width = width.map_or(0, |width| width.max("label  ".len()));
    let mut text = String::new();
    for answer in answers {
        if answers.len() > 1 {
            let _ = writeln!(text, "{}", answer.query); // writing to a string cannot fail
        }
        if answer.neighbors.is_empty() {
            text += "no image is that near\n\n";
            continue;
        }
        let title = if width > 0 { "label" } else { "" };
        let _ = writeln!(text, "rank  distance  {title:<width$}name");
        for Neighbor { rank, distance, name, label } in &answer.neighbors {
            let label = label.as_deref().unwrap_or_default();
            let _ = writeln!(text, "{rank:>4}  {distance:>8.4}  {label:<width$}{name}");
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(query: &str, label: Option<&str>) -> Answer {
        let neighbor = Neighbor {
            rank: 1,
            distance: 0.25,
            name: "a.png".to_owned(),
            label: label.map(str::to_owned),
        };
        Answer { query: query.to_owned(), neighbors: vec![neighbor] }
    }

    #[test]
    fn columns_are_there_if_they_tell_something() {
        let plain = "rank  distance  name\n   1    0.2500  a.png\n\n";
        assert_eq!(text(&[answer("q", None)]), plain);
        let none = Answer { query: "r".to_owned(), neighbors: Vec::new() };
        let both = "q\nrank  distance  label    name\n   1    0.2500  ostrich  a.png\n\n\
                    r\nno image is that near\n\n";
        assert_eq!(text(&[answer("q", Some("ostrich")), none]), both);
    }
}
