//! The error of a command line that asks for what there is not.

/// An error of what was typed, which ends the program with its own exit code.
#[derive(Debug)]
pub(crate) struct Usage(pub String);

impl Usage {
    /// The exit code.
    pub(crate) const CODE: u8 = 2;
}

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}
