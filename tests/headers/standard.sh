#!/bin/sh
# standard.sh FOLDER COMPILER...: before C++20 each of FOLDER's public headers gives one error, which
# says what is needed.
set -eu
folder=$1
shift
failed=0
for header in "$folder"/allot/*.hpp "$folder"/allot/use/arena.hpp; do
  errors=$("$@" -std=c++17 "-I$folder" -fsyntax-only -x c++ "$header" 2>&1 | grep 'error:' || true)
  if [ "$(echo "$errors" | grep -c .)" -ne 1 ] || ! echo "$errors" | grep -q 'needs C++20'; then
    echo "$header:"
    echo "$errors" | head -n 5
    failed=1
  fi
done
exit $failed
