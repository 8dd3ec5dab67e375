#!/bin/sh
# pkg_config.sh FOLDER COMPILE...: what COMPILE makes with the flags of FOLDER/allot.pc works; these
# ask for no standard, so that they undo none, but the file tells which is the least.
set -eu
export PKG_CONFIG_PATH="$1"
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$@" $(pkg-config --cflags --libs allot) -o "$dir/program"
case $(pkg-config --cflags allot) in *-std=*) exit 1 ;; esac
[ "$(pkg-config --variable=std allot)" = -std=c++20 ]
LD_LIBRARY_PATH=$(pkg-config --variable=libdir allot) "$dir/program"
