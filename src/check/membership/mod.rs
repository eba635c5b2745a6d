//! Membership inference: can an attacker tell who was in the training data?
//!
//! Each attack is a check of its own that hands over one score per record; `strongest` chooses among them on one half of
//! the patients and reports on the other.

mod class_ranks;
mod interview;
pub mod label_only;
mod neighbours;
pub mod partial_record;
mod picture;
mod pool;
mod selection;
pub mod signal;
#[cfg(test)]
mod specimen;
pub mod strongest;
pub mod tail;
pub mod threshold;
