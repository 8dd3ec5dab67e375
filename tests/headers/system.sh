#!/bin/sh
# system.sh ALL_HEADERS COMPILER...: no public header lets in what only src/os_*.cpp may name.
set -eu

all=$1
shift
reached=$("$@" -x c++ -M "$all" | tr -s ' \\' '\n\n')
echo "$reached" | grep -q 'allot/base/os\.hpp$' || {
  echo "the headers of allot were not found" >&2
  exit 1
}
! echo "$reached" | grep -E '/(sys/mman|sys/resource|fcntl|windows)\.h$'
