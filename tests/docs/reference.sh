#!/bin/sh
# reference.sh ROOT: the reference is made without a warning, can be searched, and shows the picture and
# the example of each strategy.
set -eu
command -v doxygen >/dev/null || { echo "doxygen is not installed"; exit 77; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cd "$1"
{ cat docs/Doxyfile; echo "OUTPUT_DIRECTORY = $out"; } | doxygen - >"$out/log" 2>&1 && ! [ -s "$out/log" ] ||
  { cat "$out/log"; exit 1; }
fail() { echo "$1"; exit 1; }
[ -s "$out/html/search/all_0.js" ] || fail "there is no index to search"
for example in examples/strategies/*.cpp; do
  name=$(basename "$example" .cpp).hpp
  header=include/allot/$name
  [ -e "$header" ] || header=include/allot/threads/$name
  class=$(sed -n '1s/^\/\/ \([A-Za-z]*\): .*/\1/p' "$header")
  page=$out/html/classallot_1_1$class.html
  [ -s "$page" ] || fail "$header: no page of $class"
  grep -q '<pre class="fragment">  *[^ ]' "$page" || fail "$header: its picture is not shown"
  grep -q '<h3>Example</h3>' "$page" && grep -q '<div class="fragment">' "$page" ||
    fail "$header: $example is not shown"
done
