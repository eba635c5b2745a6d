//! The integration tests: the program and the library from outside.
//!
//! One binary, so that everything is linked once. Nothing here needs the network or a file outside the repository.

mod bad_input;
mod canary;
mod cli;
mod golden;
mod layers;
mod onnx;
mod support;
