#!/bin/sh
# first_error.sh SOURCE COMPILER...: SOURCE compiles; with MUST_FAIL it does not, and the compiler's
# first error, with the notes that belong to it, has each text that SOURCE names in a line such as
#   // first error: DiesProperly
# so that who makes the mistake is told which one it is.
set -eu
source=$1
shift
export LC_ALL=C

"$@" -fsyntax-only -Werror=unused-result "$source"
if errors=$("$@" -fsyntax-only -Werror=unused-result -DMUST_FAIL "$source" 2>&1); then
  echo "$source compiles with MUST_FAIL"
  exit 1
fi
first=$(echo "$errors" | awk '/error:/ { ++n } n < 2')
failed=0
texts=$(sed -n 's|^// first error: ||p' "$source")
[ -n "$texts" ] || {
  echo "$source names no text of its first error"
  failed=1
}
echo "$texts" | while IFS= read -r text; do
  echo "$first" | grep -qF -e "$text" || {
    echo "not in the first error: $text"
    exit 1
  }
done || failed=1
[ $failed -eq 0 ] || echo "$first"
exit $failed
