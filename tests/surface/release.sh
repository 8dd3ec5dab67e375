#!/bin/bash
# release.sh ROOT: from a copy of ROOT that is committed, scripts/release writes the same bytes twice,
# and the checksums of them; it refuses a tree that is not clean, unreleased changes, and a version that
# the changelog does not have.
set -euo pipefail
command -v git >/dev/null || exit 77
root=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

mkdir "$dir/allot"
tar -c -C "$root" --exclude=./build --exclude=./.git . | tar -x -C "$dir/allot"
cd "$dir/allot"
commit() {
  git add --all
  git -c user.name=test -c user.email=test@localhost commit --quiet --message test
}
sed -i '/^## \[Unreleased\]/,/^## \[[0-9]/{/^## /!d}' CHANGELOG.md
git init --quiet
commit

for folder in one two; do
  scripts/release "$dir/$folder" >"$dir/$folder.told"
  sleep 1.1 # a time of day would be another
done
diff -r "$dir/one" "$dir/two"
diff "$dir/one.told" "$dir/two.told"
version=$(scripts/version)
[ "$(ls "$dir/one" | sort | paste -sd' ')" = "allot-$version.sha256 allot-$version.tar.gz allot.hpp" ]
(cd "$dir/one" && sha256sum --quiet --check "allot-$version.sha256")
grep -q "^// allot $version in one file" "$dir/one/allot.hpp"
tar -tzf "$dir/one/allot-$version.tar.gz" "allot-$version/CMakeLists.txt" >/dev/null

# refuses WORDS: release does, and says these.
refuses() {
  ! scripts/release "$dir/no" 2>"$dir/errors"
  grep -q "$1" "$dir/errors"
  [ ! -e "$dir/no" ]
}
echo >>README.md
refuses "not clean"
git checkout --quiet README.md
sed -i 's/^## \[Unreleased\]/&\n\n- `Region` sings/' CHANGELOG.md
commit
refuses "unreleased changes"
git reset --quiet --hard HEAD^
sed -i 's/^\(#define ALLOT_VERSION_PATCH\) .*/\1 99/' include/allot/version.hpp
commit
refuses "CHANGELOG.md ends with $version"
