#!/bin/sh
# pkg_config.sh FOLDER COMPILE...: what COMPILE makes with the flags of FOLDER/allot.pc works.
set -eu
export PKG_CONFIG_PATH="$1"
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$@" $(pkg-config --cflags --libs allot) -o "$dir/program"
LD_LIBRARY_PATH=$(pkg-config --variable=libdir allot) "$dir/program"
