//! Membership inference: can an attacker tell who was in the training data?

pub mod signal;
pub mod threshold;
