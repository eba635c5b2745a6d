//! Inversion: can an attacker learn a person's attributes from the model?
//!
//! What the family shares: the four cells of every measurement (`cells.rs`) and the verdict on them (`verdict.rs`).

pub mod attribute_inference;
mod cells;
mod domain;
pub mod extraction;
mod findings;
mod imputer;
pub mod informed_reconstruction;
mod inverting;
mod means;
mod optimum;
mod reconstructed;
pub mod reconstruction;
mod replies;
mod rules;
mod scene;
mod section;
mod slices;
#[cfg(test)]
mod specimen;
mod study;
mod verdict;
pub mod version_difference;
mod work;
