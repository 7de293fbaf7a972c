//! Tree of points in the plane, which sums the repulsion of far points group by group.

/// Square of the plane: all points in it count as one at their center when seen from afar.
struct Node {
    center: [f64; 2],
    count: f64,
    /// Squared side of the square; 0 for a leaf.
    area: f64,
    /// The node that follows once this one's points have been counted.
    next: usize,
}

/// Points in a plane, split into quarters of quarters.
pub(super) struct Quadtree {
    /// A node stands before the nodes inside it.
    nodes: Vec<Node>,
}

/// Squares are split at most so often: points that are still together are equal.
const DEPTH: u32 = 40;

impl Quadtree {
    pub(super) fn new(points: &[[f64; 2]]) -> Self {
        let mut tree = Self { nodes: Vec::with_capacity(2 * points.len()) };
        let (mut low, mut high) = ([f64::INFINITY; 2], [f64::NEG_INFINITY; 2]);
        for point in points {
            for axis in 0..2 {
                low[axis] = low[axis].min(point[axis]);
                high[axis] = high[axis].max(point[axis]);
            }
        }
        let side = (high[0] - low[0]).max(high[1] - low[1]);
        if !points.is_empty() {
            tree.add(&mut points.to_vec(), low, side, DEPTH);
        }
        tree
    }

    /// Adds the square that begins at `low`, and those inside it.
    fn add(&mut self, points: &mut [[f64; 2]], low: [f64; 2], side: f64, depth: u32) {
        let count = points.len() as f64;
        let sum = points.iter().fold([0.0; 2], |sum, point| [sum[0] + point[0], sum[1] + point[1]]);
        let center = [sum[0] / count, sum[1] / count];
        let leaf = points.len() == 1 || depth == 0 || side <= 0.0;
        let own = self.nodes.len();
        self.nodes.push(Node {
            center,
            count,
            area: if leaf { 0.0 } else { side * side },
            next: 0,
        });
        if !leaf {
            let half = 0.5 * side;
            let middle = [low[0] + half, low[1] + half];
            let split = partition(points, |point| point[1] < middle[1]);
            let (lower, upper) = points.split_at_mut(split);
            for (part, y) in [(lower, low[1]), (upper, middle[1])] {
                let split = partition(part, |point| point[0] < middle[0]);
                let (left, right) = part.split_at_mut(split);
                for (quarter, x) in [(left, low[0]), (right, middle[0])] {
                    if !quarter.is_empty() {
                        self.add(quarter, [x, y], half, depth - 1);
                    }
                }
            }
        }
        self.nodes[own].next = self.nodes.len();
    }

    /// Returns `Σ w²(p − q)` and `Σ w` over the points `q`, where `w = 1 / (1 + ‖p − q‖²)`.
    ///
    /// A square counts as one point where its side is below `theta` times its distance. `p` itself,
    /// if it is one of the points, adds 1 to the second sum.
    pub(super) fn repulsion(&self, point: [f64; 2], theta: f64) -> ([f64; 2], f64) {
        let (mut force, mut total) = ([0.0; 2], 0.0);
        let theta = theta * theta;
        let mut index = 0;
        while let Some(node) = self.nodes.get(index) {
            let (x, y) = (point[0] - node.center[0], point[1] - node.center[1]);
            let distance = x * x + y * y;
            if node.area > theta * distance {
                index += 1;
                continue;
            }
            let weight = 1.0 / (1.0 + distance);
            let share = node.count * weight;
            total += share;
            force[0] += share * weight * x;
            force[1] += share * weight * y;
            index = node.next;
        }
        (force, total)
    }
}

/// Moves the points for which `first` holds to the front, and returns their number.
fn partition(points: &mut [[f64; 2]], first: impl Fn(&[f64; 2]) -> bool) -> usize {
    let mut split = 0;
    for index in 0..points.len() {
        if first(&points[index]) {
            points.swap(split, index);
            split += 1;
        }
    }
    split
}

#[cfg(test)]
mod tests {
    use super::*;

    fn naive(points: &[[f64; 2]], point: [f64; 2]) -> ([f64; 2], f64) {
        let (mut force, mut total) = ([0.0; 2], 0.0);
        for other in points {
            let (x, y) = (point[0] - other[0], point[1] - other[1]);
            let weight = 1.0 / (1.0 + x * x + y * y);
            total += weight;
            force = [force[0] + weight * weight * x, force[1] + weight * weight * y];
        }
        (force, total)
    }

    fn spiral() -> Vec<[f64; 2]> {
        let point = |n: u32| [f64::from(n).sqrt() * f64::from(n).cos(), f64::from(n % 17) - 4.0];
        (0..300).map(point).collect()
    }

    #[test]
    fn without_groups_the_sums_are_exact() {
        let points = spiral();
        let tree = Quadtree::new(&points);
        for &point in &points {
            let ((force, total), (expected, sum)) =
                (tree.repulsion(point, 0.0), naive(&points, point));
            assert!((total - sum).abs() < 1e-9, "{total} {sum}");
            assert!((force[0] - expected[0]).abs() < 1e-9 && (force[1] - expected[1]).abs() < 1e-9);
        }
    }

    #[test]
    fn groups_change_the_sums_by_little() {
        let points = spiral();
        let tree = Quadtree::new(&points);
        let error = |&point: &[f64; 2]| {
            let (grouped, exact) = (tree.repulsion(point, 0.5).1, naive(&points, point).1);
            (grouped / exact - 1.0).abs()
        };
        let worst = points.iter().map(error).fold(0.0, f64::max);
        assert!(worst > 0.0 && worst < 0.05, "{worst}");
    }

    #[test]
    fn equal_points_end_in_one_leaf() {
        let tree = Quadtree::new(&[[1.0, 2.0]; 5]);
        assert_eq!(tree.repulsion([1.0, 2.0], 0.5), ([0.0; 2], 5.0));
        let tree = Quadtree::new(&[[0.0, 0.0], [1.0, 1.0], [1.0, 1.0]]);
        let (_, total) = tree.repulsion([1.0, 1.0], 0.5);
        assert!((total - (2.0 + 1.0 / 3.0)).abs() < 1e-12, "{total}");
    }
}
