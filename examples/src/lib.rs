//! The programs of this package are its examples; here the programs of the guide are tested.

mod textures;

pub use textures::textures;

/// Tested programs of `docs/guide/2-your-data.md`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/2-your-data.md")]
struct YourData;

/// Tested programs of `docs/guide/3-choose-a-method.md`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/3-choose-a-method.md")]
struct ChooseAMethod;

/// Tested programs of `docs/guide/4-read-the-metrics.md`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/4-read-the-metrics.md")]
struct ReadTheMetrics;

/// Tested programs of `docs/guide/6-write-your-own.md`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/6-write-your-own.md")]
struct WriteYourOwn;

/// Tested programs of `docs/guide/7-runs-that-last.md`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/7-runs-that-last.md")]
struct RunsThatLast;

/// Tested programs of `docs/guide/8-weights.md`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/8-weights.md")]
struct Weights;

/// Tested programs of `docs/guide/9-search.md`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/guide/9-search.md")]
struct Search;
