//! The program `consumer`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    minka_broker::consumer::main()
}
