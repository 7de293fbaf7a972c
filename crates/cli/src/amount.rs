//! Numbers of labels.

use std::fmt;
use std::str::FromStr;

use selfsame::datasets::{few_labels, few_labels_share};

/// How many of the labels are used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Amount {
    /// So many of each class.
    PerClass(usize),
    /// A share of them, 0 to 1.
    Share(f64),
    /// All.
    All,
}

impl Amount {
    /// The amounts that are measured if none are asked for, as far as there are enough labels.
    pub(crate) const USUAL: [Self; 9] = [
        Self::PerClass(1),
        Self::PerClass(2),
        Self::PerClass(5),
        Self::PerClass(10),
        Self::PerClass(25),
        Self::PerClass(100),
        Self::Share(0.01),
        Self::Share(0.1),
        Self::All,
    ];

    /// Draws label samples, as places among `labels`; `None` if there are too few of a class.
    pub(crate) fn samples(
        self,
        labels: &[usize],
        classes: usize,
        count: u64,
        seed: u64,
    ) -> anyhow::Result<Option<Vec<Vec<usize>>>> {
        let mut sizes = vec![0; classes];
        for label in labels {
            sizes[*label] += 1;
        }
        let smallest = sizes.into_iter().min().unwrap_or(0);
        let seeds = (0..count).map(|n| count.wrapping_mul(seed).wrapping_add(n));
        Ok(match self {
            Self::All => Some(vec![(0..labels.len()).collect()]),
            Self::PerClass(each) if each > smallest => None,
            Self::PerClass(each) => {
                Some(seeds.map(|seed| few_labels(labels, each, seed)).collect::<Result<_, _>>()?)
            }
            // As many of every class, and one at least.
            Self::Share(share) if !fits(share * labels.len() as f64 / classes as f64, smallest) => {
                None
            }
            Self::Share(share) => Some(
                seeds
                    .map(|seed| few_labels_share(labels, share, seed))
                    .collect::<Result<_, _>>()?,
            ),
        })
    }
}

/// Whether a number of labels per class is one or more, and every class has as many.
fn fits(each: f64, smallest: usize) -> bool {
    each >= 1.0 && each.round() <= smallest as f64
}

impl FromStr for Amount {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "all" {
            return Ok(Self::All);
        }
        let amount = match text.strip_suffix('%') {
            Some(share) => share
                .parse()
                .ok()
                .filter(|share| *share > 0.0 && *share < 100.0)
                .map(|share: f64| Self::Share(share / 100.0)),
            None => text.parse().ok().filter(|each| *each > 0).map(Self::PerClass),
        };
        amount.ok_or_else(|| "it must be a number per class, a share such as 1%, or all".to_owned())
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerClass(each) => write!(f, "{each}"),
            Self::Share(share) => write!(f, "{}%", (1e8 * share).round() / 1e6),
            Self::All => f.write_str("all"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read_as_they_are_written() {
        for amount in Amount::USUAL {
            assert_eq!(amount.to_string().parse(), Ok(amount));
        }
        for wrong in ["0", "-1", "0%", "100%", "few", ""] {
            assert!(wrong.parse::<Amount>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn there_must_be_enough_labels_of_every_class() {
        let labels: Vec<usize> = (0..40).map(|n| n % 2).collect();
        let drawn = |amount: Amount| amount.samples(&labels, 2, 3, 0).unwrap();
        assert_eq!(drawn(Amount::All).unwrap().len(), 1);
        assert_eq!(drawn(Amount::PerClass(20)).unwrap()[2].len(), 40);
        assert_eq!(drawn(Amount::PerClass(21)), None);
        assert_eq!(drawn(Amount::Share(0.1)).unwrap()[0].len(), 4);
        assert_eq!(drawn(Amount::Share(0.01)), None);
        let uneven: Vec<usize> = (0..930).map(|n| usize::from(n >= 900)).collect();
        assert_eq!(Amount::Share(0.1).samples(&uneven, 2, 3, 0).unwrap(), None);
        assert_eq!(Amount::Share(0.07).to_string(), "7%");
        assert_eq!(Amount::PerClass(1).samples(&labels, 3, 3, 0).unwrap(), None);
    }
}
