"""Run by gdb: what it shows of the subject, where all strategies live, is what is expected."""

import os
import re
import sys

import gdb

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["TESTS"])
from expected import DAMAGED, drawn_by_program, expect, faults  # noqa: E402


def printed(value):
    printer = gdb.default_visualizer(value)
    return printer.to_string().rstrip("\n") if printer else "without a printer"


def expect_match(what, pattern):
    seen = gdb.execute(f"print {what}", to_string=True)
    if not re.search(pattern, seen):
        expect(what, seen, f"what matches {pattern}")


gdb.execute("set confirm off")
gdb.execute("set width 0")
gdb.execute("break everything_lives")
gdb.execute("break main")
gdb.execute("run > /dev/null")

# What is not there yet, or is rubbish, is said to be so, and ends.
drawn = drawn_by_program()
for name, _ in drawn:
    expect(f"{name} in main", bool(printed(gdb.parse_and_eval(name))), True)
gdb.execute("continue")
gdb.execute("up")
for name, text in drawn:
    value = gdb.parse_and_eval(name)
    expect(name, printed(value), text)
    kind = value.type.unqualified().pointer()
    rubbish = printed(gdb.parse_and_eval("&rubbish[0]").cast(kind).dereference())
    expect(f"rubbish as {name}", rubbish.split(": ")[-1], DAMAGED)

expect_match("arena", r"= \{\[0\] Owner = \{number = 0\}, \[1\] Owner = \{number = 43\}, "
             r"\[2\] Owner = \{number = 41\}\}")
expect_match("region", r"= \{\[0\] Owner = \{number = 44\}\}")
expect_match("typed_arena", r"\[1\] = \{value = 7\}, \[2\] = \{value = 1\}, \[4\] = ")
expect_match("object_pool", r"\[0\] = \{x = 0, y = 0\}, .*\[2\] = \{x = 17, y = 0\}")
expect_match("block_pool", r"\[0\] = 0x[0-9a-f]+, \[2\] = 0x")
expect_match("marker", r"^\$\d+ = mark 0$")
expect_match("handle", r"= handle 1 of epoch \d+$")
expect_match("lease", r"= lease = \{object = \{x = 17, y = 0\}\}$")
expect_match("allocator", r'= on arena "request": [0-9,]+ of 4,096 bytes used')
expect_match("buffer", r"= 4,096 bytes at 0x[0-9a-f]+, from the heap$")

gdb.execute("kill")
print(f"{len(drawn)} strategies compared, {len(faults)} faults")
gdb.execute(f"quit {1 if faults else 0}")
