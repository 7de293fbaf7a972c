//! Symmetric graph of nearest neighbors.

/// Edge to another row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Edge {
    pub(super) to: u32,
    pub(super) weight: f64,
}

/// Merges directed weights into symmetric ones: `combine(w of i→j, w of j→i)`, an absent one is 0.
///
/// Returns the edges of each row in ascending order.
pub(super) fn symmetric(
    directed: &[Vec<Edge>],
    combine: impl Fn(f64, f64) -> f64,
) -> Vec<Vec<Edge>> {
    // (neighbor, own weight, the other's weight)
    let mut halves: Vec<Vec<(u32, f64, f64)>> =
        directed.iter().map(|edges| Vec::with_capacity(2 * edges.len())).collect();
    for (from, edges) in (0..).zip(directed) {
        for edge in edges {
            halves[from as usize].push((edge.to, edge.weight, 0.0));
            halves[edge.to as usize].push((from, 0.0, edge.weight));
        }
    }
    let merge = |mut halves: Vec<(u32, f64, f64)>| {
        halves.sort_unstable_by_key(|(to, own, _)| (*to, *own > 0.0));
        let groups = halves.chunk_by(|a, b| a.0 == b.0);
        let edge = |group: &[(u32, f64, f64)]| {
            let (own, other) = group.iter().fold((0.0, 0.0), |sum, g| (sum.0 + g.1, sum.1 + g.2));
            Edge { to: group[0].0, weight: combine(own, other) }
        };
        groups.map(edge).collect()
    };
    halves.into_iter().map(merge).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_sided_and_mutual_edges_are_merged() {
        let edge = |to, weight| Edge { to, weight };
        let directed = [vec![edge(1, 0.5), edge(2, 0.25)], vec![edge(0, 1.0)], vec![]];
        let edges = symmetric(&directed, |own, other| own + 10.0 * other);
        assert_eq!(edges[0], [edge(1, 10.5), edge(2, 0.25)]);
        assert_eq!(edges[1], [edge(0, 6.0)]);
        assert_eq!(edges[2], [edge(0, 2.5)]);
    }
}
