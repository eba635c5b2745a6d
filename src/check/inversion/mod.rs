//! Inversion: can an attacker learn a person's attributes from the model?
//!
//! What the family shares: the four cells of every measurement (`cells.rs`) and the verdict on them (`verdict.rs`).

pub mod attribute_inference;
mod cells;
mod copied;
#[cfg(test)]
mod copy_tests;
mod domain;
pub mod extraction;
mod findings;
mod imputer;
pub mod informed_reconstruction;
mod intervals;
mod inverting;
mod learned;
mod likeness;
mod means;
mod neurons;
mod normal_equations;
mod optimum;
mod paths;
mod reconstructed;
pub mod reconstruction;
mod replies;
mod rules;
mod scene;
mod section;
mod slices;
mod solved;
#[cfg(test)]
mod specimen;
mod study;
mod tale;
mod through_copy;
#[cfg(test)]
mod tree_tests;
mod verdict;
pub mod version_difference;
mod work;
