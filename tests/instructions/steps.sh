#!/bin/sh
# steps.sh STEPS_PROGRAM
# Counts by callgrind the instructions of n operations among n others, for n and for 4n: 4 times as
# many where a header promises O(1), a little more where it promises O(log n), 16 times as many where
# something is searched linearly. All in one run, since Valgrind takes longer to start.
set -eu
program=$1
n=2000
counts=$(mktemp -d)
trap 'rm -rf "$counts"' EXIT

count() { # which call
  sed -n 's/^totals: //p' "$counts/$1"
}

cat >"$counts/most" <<END
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
cut -d ' ' -f 1 "$counts/most" | xargs valgrind --quiet --tool=callgrind \
  --toggle-collect=counted --dump-after=counted --callgrind-out-file="$counts/call" "$program" $n

failed=0
call=0
while read -r operation most; do
  few=$(count call.$((call + 1)))
  many=$(count call.$((call + 2)))
  call=$((call + 2))
  echo "$operation: $few instructions for $n, $many for $((4 * n)) (at most 0.01 x $most times)"
  if [ "$few" -le 0 ] || [ $((many * 100)) -gt $((few * most)) ]; then
    echo "$operation: FAILED"
    failed=1
  fi
done <"$counts/most"
exit $failed
