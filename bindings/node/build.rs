//! Tells the linker that a Node.js process brings the N-API's symbols.

fn main() {
    napi_build::setup();
}
