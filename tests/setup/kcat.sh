#!/bin/sh
# Makes sure that kcat is installed: it is a Debian package, so only root (or sudo) can add it.
set -eu
if command -v kcat >/dev/null 2>&1; then
    exit 0
fi
if ! command -v apt-get >/dev/null 2>&1; then
    echo "kcat is missing and there is no apt-get: install kcat 1.7, then run this again" >&2
    exit 1
fi
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif sudo -n true 2>/dev/null; then
    as_root=sudo
else
    echo "kcat is missing: run 'sudo apt-get install kcat' first, only root may install it" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
$as_root apt-get -qq update >/dev/null 2>&1 || true
$as_root apt-get -qq install -y --no-install-recommends kcat >/dev/null
