//! Empty: the examples are the point.
