#!/bin/bash
# one_file.sh ROOT COMPILER...: the first example of ROOT's README.md compiles with the one file that
# scripts/amalgamate writes and nothing else of allot, runs, and says what it should.
set -eu
root=$1
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$root/scripts/amalgamate" "$dir/allot"
[ "$(ls "$dir/allot")" = allot.hpp ]
awk '/^```cpp$/ { inside = 1; next } /^```$/ { if (inside) exit } inside' "$root/README.md" >"$dir/ten.cpp"
"$@" -Wall -Wextra -Wconversion -Wshadow -Werror -I"$dir" "$dir/ten.cpp" -o "$dir/ten"
"$dir/ten" | grep -q '^45 .* of 65536$'
