#!/bin/sh
# commands.sh DOCUMENT CHECKOUT: runs the ```sh blocks of a document, one after the other in one
# folder, and fails if a command fails, or if a line of the ```text or ```diff block behind it isn't
# among what was printed, in that order. Numbers may differ, and so may what a trial found, as
# machines do. Programs get a hundredth of the work that the document has, but for the one that is best
# left as it is: of a short run that could not be said.
set -eu

document=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for entry in "$2"/*; do
  ln -s "$entry" "$folder"
done

# Block n is n.sh, and what it is to print n.text.
awk -v folder="$folder" '
  /^```/ { kind = kind == "" ? substr($0, 4) : ""
           if (kind == "sh") file = folder "/" sprintf("%02d", ++n) ".sh"
           if (kind == "text" || kind == "diff") file = folder "/" sprintf("%02d", n) ".text"
           next }
  kind != "" { print > file }' "$document"

masked() {
  sed -E -e "s|[^ ]*$folder/||" -e 's/^(.*(trial|all of it)):.*/\1:/' \
    -e 's/[-+]?[0-9][0-9.,]*/#/g' -e 's/# million/#/g' -e '/mimalloc|jemalloc|LD_PRELOAD/d' "$1"
}

cd "$folder"
for block in [0-9]*.sh; do
  sed -i -E '/_after/!s/([0-9])00( |$)/\1\2/' "$block"
  code=0
  sh -eu "$block" >printed 2>&1 || code=$?
  case $code in
  0 | 4 | 5) ;; # done, nothing worth doing, undecided
  *)
    echo "this failed with exit code $code:"
    cat "$block" printed
    exit 1
    ;;
  esac
  [ -e "${block%.sh}.text" ] || continue
  masked printed >printed.masked
  masked "${block%.sh}.text" >shown.masked
  awk 'NR == FNR { shown[++n] = $0; next }
       shown[at + 1] == $0 { ++at }
       { while (at < n && shown[at + 1] == "") ++at }
       END { if (at < n) { print "this was not printed: " shown[at + 1]; exit 1 } }' \
    shown.masked printed.masked || {
    echo "by:"
    cat "$block" printed
    exit 1
  }
done
