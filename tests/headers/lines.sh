#!/bin/sh
# lines.sh FOLDER COMPILER...: a compiler reads at most 20,000 lines for each of FOLDER's strategies
# and light faces, and for allot.hpp, which has the error classes too, at most as many as for three
# <vector>. Lines stand for the time that a test must not measure.
set -eu
folder=$1
shift

read_for() { # header, compiler...
  header=$1
  shift
  printf '#include <%s>\n' "$header" | "$@" "-I$folder" -E -P -x c++ - | wc -l
}

vector=$(read_for vector "$@")
failed=0
check() { # header, most, compiler...
  header=$1 most=$2
  shift 2
  lines=$(read_for "allot/$header" "$@")
  printf '%-22s %6d lines (at most %d)\n' "$header" "$lines" "$most"
  if [ "$lines" -eq 0 ] || [ "$lines" -gt "$most" ]; then failed=1; fi
}
for header in arena block_pool bump mapped_arena multipool object_pool region scratch slot_arena \
  stack typed_arena allocator hooks buffer upstream stats concepts; do
  check $header.hpp 20000 "$@"
done
check allot.hpp $((vector * 3)) "$@"
echo "<vector>               $vector lines"
exit $failed
