#!/bin/sh
# hot_path.sh INCLUDE_DIR COMPILER [FLAG ...]
# Disassembles hot.cpp at -O2 and counts each function's instructions up to and with its first ret:
# at most 8 at a constant size and 10 at run time, one conditional branch, no call, no division.
# A stack also copies what is pushed, asks of marks below a pop, and checks and keeps them.
set -eu
here=$(dirname "$0")
include=$1
shift
object=$(mktemp)
trap 'rm -f "$object"' EXIT
"$@" -std=c++20 -O2 -I"$include" -c "$here/hot.cpp" -o "$object"
objdump --disassemble --no-show-raw-insn --no-addresses "$object" | awk '
  BEGIN {
    most["<stack_push>:"] = 10; most["<stack_pop>:"] = 11
    most["<stack_mark>:"] = 19; most["<stack_restore>:"] = 28
    may_branch["<stack_pop>:"] = may_branch["<stack_mark>:"] = 2; may_branch["<stack_restore>:"] = 4
  }
  /^<.*>:$/ { name = $1; counting = name !~ /cold/; n = branches = bad = 0; next }
  !counting || NF == 0 || $1 == "endbr64" { next }
  { ++n }
  $1 ~ /^j/ && $1 != "jmp" { ++branches }
  $1 ~ /^(call|i?div)/ { bad = 1 }
  $1 == "ret" {
    counting = 0
    if (!(name in most)) most[name] = name ~ /_n>/ ? 10 : 8
    if (!(name in may_branch)) may_branch[name] = 1
    failed = n > most[name] || branches != may_branch[name] || bad
    printf "%-16s %2d instructions (at most %d), %d branch%s\n", name, n, most[name], branches,
      failed ? "  FAILED" : ""
    functions++
    failures += failed
  }
  END {
    if (functions != 11) { print functions + 0 " functions found, 11 expected"; exit 1 }
    exit failures != 0
  }'
