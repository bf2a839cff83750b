//! Statements made by hand: what they mean.
