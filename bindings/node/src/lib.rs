//! `minka.node`: the native part of the npm package.
