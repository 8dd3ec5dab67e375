#!/bin/sh
# gdb.sh GDB PROGRAM PRINTERS FOLDER: installs the printers in FOLDER, where PROGRAM says that they
# are, and compares what GDB shows of it then with what it draws itself.
set -eu
gdb=$1 program=$2 printers=$3 folder=$4
rm -rf "$folder"
mkdir -p "$folder/share/gdb/auto-load" "$folder/share/allot/debugger"
cp "$printers/allot-gdb.py" "$folder/share/gdb/auto-load"
cp -r "$printers/allot_debug" "$folder/share/allot/debugger"

export COLUMNS=80 ASAN_OPTIONS=detect_leaks=0 PYTHONDONTWRITEBYTECODE=1
"$program" >"$folder/drawn"
DRAWN=$folder/drawn "$gdb" -nx -batch -iex "add-auto-load-safe-path $folder" \
  -x "$(dirname "$0")/compare.py" "$program"
