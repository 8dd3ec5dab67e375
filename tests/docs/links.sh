#!/bin/sh
# links.sh ROOT: every relative link in a document (*.md) below ROOT leads to a file or folder, and what
# follows a # in it to a heading, as GitHub names headings.
set -eu
cd "$1"
find . -name '*.md' -not -path './build/*' -not -path './.git/*' | sort | xargs awk '
  # The folder of a path joined with a relative one, without . and ..
  function join(from, to,    parts, count, i, kept, depth, result) {
    sub(/[^\/]*$/, "", from)
    count = split(from to, parts, "/")
    depth = 0
    for (i = 1; i <= count; i++)
      if (parts[i] == "..")
        depth--
      else if (parts[i] != "." && parts[i] != "")
        kept[++depth] = parts[i]
    result = "."
    for (i = 1; i <= depth; i++)
      result = result "/" kept[i]
    return result
  }
  function anchor(heading) {
    heading = tolower(heading)
    gsub(/[^a-z0-9 _-]/, "", heading)
    gsub(/ /, "-", heading)
    return heading
  }
  function exists(path) { return system("test -e \"" path "\"") == 0 }
  function wrong(link, why) {
    print FILENAME ":" FNR ": " link ": " why
    failed = 1
  }

  FNR == 1 { fenced = 0 }
  /^ *```/ { fenced = !fenced }
  fenced { next }
  /^#+ / {
    heading = $0
    sub(/^#+ +/, "", heading)
    headings[FILENAME "#" anchor(heading)]
  }
  {
    line = $0
    gsub(/`[^`]*`/, "", line)
    while (match(line, /\]\([^()]*\)/)) {
      link = substr(line, RSTART + 2, RLENGTH - 3)
      line = substr(line, RSTART + RLENGTH)
      if (link ~ /^[a-z]+:/)
        continue
      path = link
      sub(/#.*/, "", path)
      path = path == "" ? FILENAME : join(FILENAME, path)
      if (!(path in there))
        there[path] = exists(path)
      if (!there[path])
        wrong(link, "no such file")
      else if (link ~ /#/) {
        sub(/.*#/, "", link)
        wanted[path "#" link] = FILENAME ":" FNR
      }
    }
  }
  END {
    for (link in wanted)
      if (!(link in headings)) {
        print wanted[link] ": " link ": no such heading"
        failed = 1
      }
    exit failed
  }'
