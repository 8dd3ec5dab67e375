#!/bin/sh
# block_steps.sh BLOCKS_PROGRAM
# Counts the instructions of an allocation and a free at 10^3 and 10^6 blocks by callgrind, as the
# difference of two runs that differ in nothing but the number of pairs. O(1) for Order::any: no
# more than 2 instructions between them; O(log64 n) for first_free: no more than twice as many;
# O(1) for a multipool: no more than 4, for going from slab to slab.
set -eu
program=$1

instructions() {
  valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$@" 2>&1 |
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}
a_pair() { # order blocks
  echo $((($(instructions "$1" "$2" 100000) - $(instructions "$1" "$2" 50000)) / 50000))
}

failed=0
for order in any first_free multipool; do
  few=$(a_pair $order 1000)
  many=$(a_pair $order 1000000)
  most=$((few + 2))
  [ $order = any ] || most=$((few * 2))
  [ $order != multipool ] || most=$((few + 4))
  echo "$order: $few instructions a pair at 10^3 blocks, $many at 10^6 (at most $most)"
  if [ "$few" -le 0 ] || [ "$many" -gt "$most" ]; then
    echo "$order: FAILED"
    failed=1
  fi
done
exit $failed
