#!/bin/sh
# steps.sh STEPS_PROGRAM
# Counts by callgrind the instructions of n operations among n others, for n and for 4n, beyond those
# of a program that does one: 4 times as many where a header promises O(1), a little more where it
# promises O(log n), 16 times as many where something is searched linearly.
set -eu
program=$1
n=2000

instructions() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$@" 2>&1 |
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

failed=0
while read -r operation most; do
  one=$(instructions "$operation" 1)
  few=$(($(instructions "$operation" $n) - one))
  many=$(($(instructions "$operation" $((4 * n))) - one))
  echo "$operation: $few instructions for $n, $many for $((4 * n)) (at most 0.01 x $most times)"
  if [ "$few" -le 0 ] || [ $((many * 100)) -gt $((few * most)) ]; then
    echo "$operation: FAILED"
    failed=1
  fi
done <<END
hooks_free 640
shrink 480
restore 480
scopes 480
pop_across_marks 480
free_large 640
free_newest 480
owns 640
regrow 480
reset 640
find_behind_holes 640
multipool_refused 480
multipool_last 480
multipool_runs 480
pool_trim 480
END
exit $failed
