#!/bin/sh
# Makes include/minka.h of ffi/src. The version in it is the crate's.
set -eu
cd "$(dirname "$0")/.."
version=$(cargo pkgid --locked -p minka-ffi | sed 's/.*[@#]//')
IFS=. read -r major minor patch <<END
$version
END
mkdir -p include
.tools/bin/cbindgen --quiet --config ffi/cbindgen.toml ffi |
    sed "s/@MAJOR@/$major/g; s/@MINOR@/$minor/g; s/@PATCH@/${patch%%-*}/g" |
    sed -E '/^typedef struct/!s/\<struct (minka_)/\1/g' |
    sed -Ez 's#/\*\*\n *\* ([^\n]*)\n *\*/#/** \1 */#g; s/\n\n\n+/\n\n/g' >include/minka.h.new
mv include/minka.h.new include/minka.h
