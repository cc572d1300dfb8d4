//! The program `minka`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    minka_broker::minka::main()
}
