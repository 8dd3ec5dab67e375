#!/bin/sh
# same.sh BEFORE AFTER: fails unless both programs print the same, and something.
set -eu

before=$("$1")
after=$("$2")
if [ -z "$before" ] || [ "$before" != "$after" ]; then
  printf 'before: %s\nafter:  %s\n' "$before" "$after"
  exit 1
fi
