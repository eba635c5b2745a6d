//! Membership inference: can an attacker tell who was in the training data?
//!
//! Each attack is a check of its own that hands over one score per record; `strongest` chooses among them on one half of
//! the patients and reports on the other.

mod aggregate;
pub mod calibrated;
mod class_ranks;
pub mod epsilon;
pub mod exposed_records;
mod interview;
pub mod label_only;
pub mod likelihood_ratio;
pub mod matched;
mod moments;
mod neighbours;
mod pairing;
pub mod partial_record;
pub mod permutation;
mod picture;
mod pool;
pub mod quantile;
pub mod rmia;
mod selection;
pub mod signal;
#[cfg(test)]
mod specimen;
mod stability;
pub mod strongest;
pub mod subgroups;
pub mod surrogate_calibrated;
mod surrogates;
pub mod survival;
pub mod tail;
pub mod threshold;
pub mod transfer;
mod weighed;
pub mod whole_patient;
pub mod worst_case;
