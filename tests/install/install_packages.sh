#!/bin/bash
# install_packages.sh SCRIPT: with dpkg-query and apt-get of its own, what SCRIPT does where packages are
# missing, where none is, and where there is no Debian.
set -euo pipefail
script=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/plain" "$dir/debian"
for tool in bash awk sort cut grep dirname env; do
  ln -s "$(command -v $tool)" "$dir/plain"
done
fake() {
  printf '#!/bin/sh\n%s\n' "$2" >"$dir/debian/$1"
  chmod +x "$dir/debian/$1"
}
fake id 'echo 0'
fake apt-get 'echo "apt-get: $*"'
fake dpkg-query 'for package; do :; done; case " $HAS " in *" $package "*) echo installed ;; esac'

fail() {
  echo "$1"
  cat "$dir/told"
  exit 1
}
run() { PATH=$dir/$1 "$script" "${@:2}" >"$dir/told"; }
told() { grep -qE -- "$1" "$dir/told" || fail "did not tell $1"; }

# Off Debian: says what to have, and goes on.
run plain build tools
told '^  g\+\+ +GCC: compiling$'
told '^  libdw-dev .*names and lines'

# Says what is missing, and why, before it is installed; names no more than a newcomer reads.
HAS="g++ cmake" run debian:"$dir/plain" build tools
told '^  ninja-build +Ninja: building$'
! grep -q '^  cmake' "$dir/told" || fail "cmake is there"
[ "$(grep -n '^apt-get: update' "$dir/told" | cut -d: -f1)" -gt "$(grep -c '^  ' "$dir/told")" ] ||
  fail "installs before it says what"
told '^apt-get: install .* libzstd-dev ninja-build'
HAS= run debian:"$dir/plain" build tools
[ "$(grep -c '^  ' "$dir/told")" -le 12 ] || fail "make demo names more than 12 packages"

HAS="$(grep -oE '^  [^ ]+' "$dir/told" | tr -d '\n')" run debian:"$dir/plain" build tools
[ ! -s "$dir/told" ] || fail "nothing was missing"
! run plain nonsense 2>"$dir/told" || fail "there is no such group"
told 'no group nonsense'
