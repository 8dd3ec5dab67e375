#!/bin/sh
# hot_path.sh INCLUDE_DIR COMPILER [FLAG ...]
# Disassembles hot.cpp at -O2 and counts each function's instructions up to and with its first ret:
# at most 8 at a constant size and 10 at run time, one conditional branch, no call, no division.
set -eu
here=$(dirname "$0")
include=$1
shift
object=$(mktemp)
trap 'rm -f "$object"' EXIT
"$@" -std=c++20 -O2 -I"$include" -c "$here/hot.cpp" -o "$object"
objdump --disassemble --no-show-raw-insn --no-addresses "$object" | awk '
  /^<.*>:$/ { name = $1; counting = name !~ /cold/; n = branches = bad = 0; next }
  !counting || NF == 0 || $1 == "endbr64" { next }
  { ++n }
  $1 ~ /^j/ && $1 != "jmp" { ++branches }
  $1 ~ /^(call|i?div)/ { bad = 1 }
  $1 == "ret" {
    counting = 0
    most = name ~ /_n>/ ? 10 : 8
    failed = n > most || branches != 1 || bad
    printf "%-14s %2d instructions (at most %d), %d branch%s\n", name, n, most, branches,
      failed ? "  FAILED" : ""
    functions++
    failures += failed
  }
  END {
    if (functions != 7) { print functions + 0 " functions found, 7 expected"; exit 1 }
    exit failures != 0
  }'
