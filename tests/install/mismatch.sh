#!/bin/sh
# mismatch.sh LIBRARY COMPILE...: what COMPILE makes links with LIBRARY, which is not instrumented,
# and works; made with AddressSanitizer it does not link, because it asks for v1_asan's functions.
set -eu
library=$1
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

"$@" "$library" -o "$dir/program"
LD_LIBRARY_PATH=$(dirname "$library") "$dir/program"

if "$@" -fsanitize=address "$library" -o "$dir/program" 2>"$dir/errors"; then
  echo "an instrumented program linked with an ordinary library" >&2
  exit 1
fi
cat "$dir/errors"
grep -q 'undefined reference to .*allot::v1_asan::' "$dir/errors"
