#!/bin/sh
# debug.sh DEBUGGER PROGRAM PRINTERS FOLDER: installs the printers in FOLDER, where PROGRAM says that
# they are, and compares what gdb or lldb shows of it then with what it draws itself. 77: this lldb
# has no Python.
set -eu
debugger=$1 program=$2 printers=$3 folder=$4
tests=$(cd "$(dirname "$0")" && pwd)
rm -rf "$folder"
mkdir -p "$folder/share/gdb/auto-load" "$folder/share/allot"
cp "$printers/allot-gdb.py" "$folder/share/gdb/auto-load"
cp -r "$printers" "$folder/share/allot/debugger"

export TESTS="$tests" DRAWN="$folder/drawn" COLUMNS=80
export ASAN_OPTIONS=detect_leaks=0 PYTHONDONTWRITEBYTECODE=1
"$program" >"$DRAWN"

case ${debugger##*/} in
gdb*)
  exec "$debugger" -nx -batch -iex "add-auto-load-safe-path $folder" -x "$tests/gdb_test.py" "$program"
  ;;
esac

# Debian 12's lldb looks for its module in a folder that is not there.
for modules in "$(dirname "$(readlink -f "$debugger")")"/../lib/python3*/dist-packages; do
  [ ! -d "$modules/lldb" ] || export PYTHONPATH="$modules${PYTHONPATH:+:$PYTHONPATH}"
done
"$debugger" --no-lldbinit --batch -o "script print(6 * 7)" 2>&1 | grep -qx 42 || exit 77
"$debugger" --no-lldbinit --batch \
  -o "settings set target.disable-aslr false" \
  -o "command script import $folder/share/allot/debugger/allot_lldb.py" \
  -o "breakpoint set --name everything_lives" \
  -o "process launch --stdout /dev/null" \
  -o "command script import $tests/lldb_test.py" \
  -o "script import os; os._exit(1)" "$program"
