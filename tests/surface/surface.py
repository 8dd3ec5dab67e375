#!/usr/bin/env python3
"""surface.py LIBRARY: compares what users see, the declarations of public headers and the symbols of
the static LIBRARY, with those of the last release, which lie beside this. Each name that changed must
be named under Unreleased in CHANGELOG.md.
surface.py LIBRARY --release: writes down those of the release that is made now."""

import re
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
from declarations import declarations  # noqa: E402

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
# Folders are not for users, but for what comes with the headers that are.
PUBLIC = ["*.hpp", "hooks/*.hpp", "use/*.hpp", "pmr/*resource.hpp",
          "threads/shared_arena.hpp", "threads/shared_block_pool.hpp", "threads/shared_multipool.hpp",
          "threads/shared_object_pool.hpp", "threads/thread_scratch.hpp", "base/errc.hpp", "base/mapping.hpp",
          "base/size.hpp", "detail/bumping.hpp", "detail/copying.hpp", "detail/creating.hpp",
          "detail/rewinding.hpp"]


def public_declarations():
    found = set()
    for pattern in PUBLIC:
        for header in (ROOT / "include/allot").glob(pattern):
            found |= declarations(header.read_text())
    return found


def symbols(library):
    """Functions and variables that are defined once. What may be defined in many places, as what is
    inline, and the tables of classes, depends on the compiler."""
    listing = subprocess.run(["nm", "--demangle", "--defined-only", "--extern-only", library],
                             check=True, capture_output=True, text=True).stdout
    found = re.findall(r"^[0-9a-f]+ [TDBR] (.*)$", listing, flags=re.M)
    return {symbol.replace("allot::v1::", "allot::").replace("[abi:cxx11]", "") for symbol in found
            if not re.match("typeinfo |vtable |VTT ", symbol)}


def unreleased():
    changelog = (ROOT / "CHANGELOG.md").read_text()
    return re.search(r"^## \[Unreleased\]\n(.*?)(?=^## |\Z)", changelog, flags=re.M | re.S)[1]


def names(declaration):
    """What a changelog may call it: its own name, or that of its class."""
    scope, code = declaration.split(": ", 1) if ": " in declaration else ("", declaration)
    code = re.sub(r"^template <.*?> (?=\w)|\s*=.*$", "", code)
    own = (re.search(r"\) -> (\w+)<", declaration) or  # a deduction guide
           re.search(r"(~?\w+) ?\(", code) or
           re.search(r"(?:class|struct|concept|enum class|using) (\w+)", code) or
           re.search(r"(\w+)$", code))
    of_class = set(re.findall(r"\w+", scope)[-1:]) - {"allot", "macro"}
    return of_class | ({own[1]} if own else set())


def main():
    library, release = sys.argv[1], sys.argv[2:] == ["--release"]
    told = " ".join(re.findall(r"`([^`]*)`", unreleased()))
    told_names = set(re.findall(r"~?\w+", told))
    failed = False
    for kind, now in ("declarations", public_declarations()), ("symbols", symbols(library)):
        file = HERE / f"{kind}.txt"
        if release:
            file.write_text("".join(f"{line}\n" for line in sorted(now)))
            continue
        before = set(file.read_text().splitlines())
        for line in sorted(before ^ now):
            change = "gone " if line in before else "new  "
            if kind == "symbols":
                known = "binary interface" in unreleased()
            else:
                known = bool(names(line) & told_names)
            if not known:
                failed = True
                print(f"{change} {line}")
    if failed:
        print("""
This is not what the last release had, and CHANGELOG.md does not say so. Write a line under Unreleased
that has the name, or its class's, in `backticks`, below Added, Changed, Deprecated or Removed
(docs/versions.md: which of these may come in which version). If symbols changed, one that says that the
binary interface did.""")
    sys.exit(failed)


main()
