#!/bin/sh
# instructions.sh PROGRAM [--against FILE]: prints, as JSON, how many instructions each operation
# takes, the loop around it subtracted. With FILE, fails if one of ours takes more than one
# instruction more than FILE says.
set -eu

program=$1
shift
dumps=$(mktemp -d)
trap 'rm -rf "$dumps"' EXIT
valgrind --quiet --tool=callgrind --combine-dumps=yes --callgrind-out-file="$dumps/out" "$program" \
  >&2
"$program" --read "$dumps/out" "$@"
