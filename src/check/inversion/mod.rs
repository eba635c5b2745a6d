//! Inversion: can an attacker learn a person's attributes from the model?

pub mod attribute_inference;
pub mod extraction;
mod imputer;
pub mod informed_reconstruction;
mod means;
mod optimum;
pub mod version_difference;
