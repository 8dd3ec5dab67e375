#!/bin/bash
# floors.sh ROOT: every header and source of ROOT stands on a floor of docs/maintain/architecture.md
# and includes nothing from a higher one; strategies do not include each other.
set -eu
cd "$1"

declare -A floor aside
while IFS='|' read -r _ number headers what _; do
  number=${number// /}
  for header in ${headers//\`/}; do floor[$header]=$number; done
  [[ $what != *" aside:"* ]] || aside[$number]=1
done < <(grep -E '^\| [0-9]+ \|' docs/maintain/architecture.md)

failures=0
fail() {
  echo "$1"
  failures=$((failures + 1))
}

# FILE NAME: no include of FILE, which belongs to the header NAME, points up.
check() {
  local own=${floor[$2]-} included other
  [ -n "$own" ] || {
    fail "$1: no floor of architecture.md lists $2"
    return
  }
  while read -r included; do
    other=${floor[$included]-0}
    if [ "$other" -gt "$own" ]; then
      fail "$1, floor $own, includes $included of floor $other"
    elif [ "$other" -eq "$own" ] && [ "$included" != "$2" ] && [ -z "${aside[$own]-}" ]; then
      fail "$1 includes its neighbour $included"
    fi
  done < <(sed -n 's/^ *# *include <allot\/\(.*\)\.hpp>.*/\1/p' "$1")
}

headers=0
while read -r file; do
  name=${file#include/allot/}
  check "$file" "${name%.hpp}"
  headers=$((headers + 1))
done < <(find include/allot -name '*.hpp')
while read -r file; do
  name=${file#src/}
  name=${name%.cpp}
  name=${name%_posix}
  name=${name%_windows}
  [ -f "include/allot/$name.hpp" ] || fail "$file mirrors no header"
  check "$file" "$name"
done < <(find src -name '*.cpp')
for name in "${!floor[@]}"; do
  [ -f "include/allot/$name.hpp" ] || fail "architecture.md lists $name, which is not there"
done

echo "$headers headers, $failures faults"
[ "$headers" -gt 0 ] && [ $failures -eq 0 ]
