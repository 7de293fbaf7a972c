//! Errors of recipes.

/// The error of a recipe that is unknown or cannot make views.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipeError {
    /// The recipe has no view.
    #[error("recipe `{recipe}` makes no view; give `views` at least one list of operators")]
    NoView {
        /// The recipe's name.
        recipe: String,
    },
    /// A view's size depends on the image, so views could not be batched.
    #[error(
        "view {view} of recipe `{recipe}` has no fixed size; \
         add `random_resized_crop` or `center_crop`"
    )]
    NoSize {
        /// The recipe's name.
        recipe: String,
        /// The view, from 0.
        view: usize,
    },
    /// A parameter is out of its range.
    #[error("`{field}` of operator {operator} of view {view} of recipe `{recipe}` must be {must}")]
    Range {
        /// The recipe's name.
        recipe: String,
        /// The view, from 0.
        view: usize,
        /// The operator's index in the view, from 0.
        operator: usize,
        /// The parameter's name.
        field: &'static str,
        /// The range it must be in.
        must: &'static str,
    },
    /// The normalization divides by a deviation that is not above 0.
    #[error("`std` of `normalize` of recipe `{recipe}` must be above 0")]
    Normalize {
        /// The recipe's name.
        recipe: String,
    },
    /// Images would be shown without a pixel.
    #[error("`shown` of recipe `{recipe}` is 0; give it 1 pixel or more, or omit it")]
    NotShown {
        /// The recipe's name.
        recipe: String,
    },
    /// No recipe has this name.
    #[error("there is no recipe `{name}`; there are: {known}")]
    Unknown {
        /// The requested name.
        name: String,
        /// The known names.
        known: String,
    },
}
