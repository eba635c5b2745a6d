//! The `privet` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    privet::cli::main()
}
