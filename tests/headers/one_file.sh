#!/bin/bash
# one_file.sh ROOT COMPILER...: the first example of ROOT's README.md compiles with the one file that
# scripts/amalgamate writes and nothing else of allot, which has what the other headers would bring,
# runs, and says what it should.
set -eu
root=$1
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$root/scripts/amalgamate" "$dir/allot"
[ "$(ls "$dir/allot")" = allot.hpp ]
awk '/^```cpp$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' "$root/README.md" |
  grep -v '^#include <allot/draw.hpp>$' >"$dir/ten.cpp"
"$@" -Wall -Wextra -Wconversion -Wshadow -Werror -I"$dir" "$dir/ten.cpp" -o "$dir/ten"
"$dir/ten" | grep -q '^region "request": 78,048 of 95,536 bytes used'
