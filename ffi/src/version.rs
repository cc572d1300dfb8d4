//! Which library this is.

use std::ffi::{CStr, c_char};

/// What a program and the library must agree on: programs that were built with a header of one
/// number run with every library of that number. It is part of the library's soname.
pub const MINKA_ABI_VERSION: u32 = 0;

/// The version of the library, such as "0.1.0". It ends with a NUL and is valid for ever.
#[unsafe(no_mangle)]
pub extern "C" fn minka_version() -> *const c_char {
    const VERSION: &str = concat!(env!("CARGO_PKG_VERSION"), "\0");
    const AS_C: &CStr = match CStr::from_bytes_with_nul(VERSION.as_bytes()) {
        Ok(text) => text,
        Err(_) => panic!("a version has no NUL in it"),
    };
    AS_C.as_ptr()
}

/// The library's MINKA_ABI_VERSION. A program that loads the library by itself compares it.
#[unsafe(no_mangle)]
pub extern "C" fn minka_abi_version() -> u32 {
    MINKA_ABI_VERSION
}
