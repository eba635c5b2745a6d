//! The integration tests: the program and the library from outside.
//!
//! One binary, so that everything is linked once. Nothing here needs the network or a file outside the repository.

#![allow(clippy::unwrap_used, reason = "what a test or its helper cannot unwrap is the failure it reports")]

mod attributes;
mod bad_input;
mod canary;
mod cli;
mod compare;
mod disclosure;
mod evidence;
mod golden;
mod invariance;
mod inversion;
mod layers;
mod linkage;
mod measure;
mod onnx;
mod oversize;
mod planning;
mod reidentification_bad_input;
mod repair;
mod support;
mod tasks;
mod trainer;
mod trees;
mod validity;
