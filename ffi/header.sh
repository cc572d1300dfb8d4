#!/bin/sh
# Makes include/minka.h of ffi/src. The version in it is the crate's.
set -eu
cd "$(dirname "$0")/.."
version=$(cargo pkgid --locked -p minka-ffi | sed 's/.*[@#]//')
IFS=. read -r major minor patch <<END
$version
END
raw=$(mktemp)
trap 'rm -f "$raw"' EXIT
.tools/bin/cbindgen --quiet --config ffi/cbindgen.toml --output "$raw" ffi
sed "s/@MAJOR@/$major/g; s/@MINOR@/$minor/g; s/@PATCH@/${patch%%-*}/g" "$raw" |
    sed -E '/^typedef struct/!s/\<struct (minka_)/\1/g' |
    sed -Ez 's#/\*\*\n *\* ([^\n]*)\n *\*/#/** \1 */#g; s/\n\n\n+/\n\n/g' >include/minka.h
