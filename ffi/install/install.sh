#!/bin/sh
# Installs libminka as C programs expect it: install.sh BUILT, where BUILT is the directory with
# libminka.so and libminka.a. PREFIX (/usr/local), LIBDIR (lib, below PREFIX) and DESTDIR say where to.
set -eu
built=$1
cd "$(dirname "$0")/../.."
prefix=${PREFIX:-/usr/local}
libdir=${LIBDIR:-lib}
to=${DESTDIR:-}$prefix
value() { sed -n "s/^#define MINKA_$1 \"*\([0-9.]*\)\"*$/\1/p" include/minka.h; }
version=$(value VERSION_STRING)
abi=$(value ABI_VERSION)
# Where the prefix is, seen from the CMake files: an installed tree can be moved.
up=$(realpath -m --relative-to="$prefix/$libdir/cmake/minka" "$prefix")

install -d "$to/include" "$to/$libdir/pkgconfig" "$to/$libdir/cmake/minka"
install -m 644 include/*.h* "$to/include"
install -m 755 "$built/libminka.so" "$to/$libdir/libminka.so.$version"
ln -sf "libminka.so.$version" "$to/$libdir/libminka.so.$abi"
ln -sf "libminka.so.$abi" "$to/$libdir/libminka.so"
install -m 644 "$built/libminka.a" "$to/$libdir"
fill() {
    sed "s|@PREFIX@|$prefix|g; s|@LIBDIR@|$libdir|g; s|@VERSION@|$version|g; s|@ABI@|$abi|g; s|@UP@|$up|g" \
        "ffi/install/$1.in" >"$2/$1"
    chmod 644 "$2/$1"
}
fill minka.pc "$to/$libdir/pkgconfig"
fill minkaConfig.cmake "$to/$libdir/cmake/minka"
fill minkaConfigVersion.cmake "$to/$libdir/cmake/minka"
