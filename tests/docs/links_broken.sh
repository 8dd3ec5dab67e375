#!/bin/sh
# links_broken.sh: links.sh finds what leads nowhere, and nothing else.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
mkdir "$folder/docs"
cat >"$folder/README.md" <<'END'
# A title: with `code`
[there](docs/page.md), [`folder`](docs), [heading](docs/page.md#the-2nd-heading), [web](https://a.b/c)
[here](#a-title-with-code), `[](no link)`
```
[](no link either)
```
END
printf '# Page\n## The 2nd heading\n[back](../README.md)\n' >"$folder/docs/page.md"
links=$(dirname "$0")/links.sh
"$links" "$folder" || { echo "faults where there are none"; exit 1; }

printf '[gone](../gone.md) [no heading](../README.md#gone)\n' >"$folder/docs/wrong.md"
found=$("$links" "$folder") && { echo "no fault found"; exit 1; }
expected='./docs/wrong.md:1: ../gone.md: no such file
./docs/wrong.md:1: ./README.md#gone: no such heading'
[ "$found" = "$expected" ] || { echo "found: $found"; exit 1; }
