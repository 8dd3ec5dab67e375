#!/bin/bash
# told.sh ROOT LIBRARY: what changes in a public header fails the comparison with the last release,
# which names it, until the changelog does; a comment and a private member do not.
set -euo pipefail
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/tests"
cp -a "$1/include" "$dir"
cp -a "$1/tests/surface" "$dir/tests"
cp "$1/CHANGELOG.md" "$dir"
library=$2
compare() { "$dir/tests/surface/surface.py" "$library" >"$dir/told"; }
tell() { sed -i "s/^## \[Unreleased\]/&\n\n$1/" "$dir/CHANGELOG.md"; }
edit() { sed -i "$1" "$dir/include/allot/$2"; }

# From here on as if released just now.
"$dir/tests/surface/surface.py" "$library" --release
sed -i '/^## \[Unreleased\]/,/^## \[[0-9]/{/^## /!d}' "$dir/CHANGELOG.md"
compare
edit 's,^class Region .*,// A comment.\n&,; s/^  Cleanups objects_;/  int more_ = 0;\n&/' region.hpp
compare

edit 's/^  void trim(std::size_t keep = 0);/  void sing(int high);/' region.hpp
! compare
grep -q 'gone  allot::Region: void trim(std::size_t keep = 0)' "$dir/told"
grep -q 'new   allot::Region: void sing(int high)' "$dir/told"
tell 'Songs'
! compare
tell '- `sing`, for a region that is happy'
! compare
! grep -q 'new   allot::Region: void sing' "$dir/told"
tell '- `Region::trim`'
compare

sed -i '1d' "$dir/tests/surface/symbols.txt"
! compare
tell '- The binary interface'
compare
