//! The program `producer`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    minka_broker::producer::main()
}
