"""Run by gdb: what it shows of the subject, where all strategies live, is what is expected."""

import os
import re

import gdb

faults = 0


def expect(what, seen, expected):
    global faults
    if seen != expected:
        faults += 1
        print(f"{what} is\n{seen}\nand not\n{expected}")


def expect_match(what, pattern):
    seen = gdb.execute(f"print {what}", to_string=True)
    if not re.search(pattern, seen):
        expect(what, seen, f"what matches {pattern}")


def drawn_by_program():
    with open(os.environ["DRAWN"], encoding="utf-8") as file:
        parts = file.read().split("== ")[1:]
    return [part.split("\n", 1) for part in parts]


gdb.execute("set confirm off")
gdb.execute("set width 0")
gdb.execute("break everything_lives")
gdb.execute("break main")
gdb.execute("run > /dev/null")

# What is not there yet, or is rubbish, is said to be so, and ends.
drawn = drawn_by_program()
for name, _ in drawn:
    value = gdb.parse_and_eval(name)
    expect(f"{name} in main", bool(gdb.default_visualizer(value).to_string()), True)
gdb.execute("continue")
gdb.execute("up")
for name, _ in drawn:
    kind = gdb.parse_and_eval(name).type.unqualified()
    rubbish = gdb.parse_and_eval("&rubbish[0]").cast(kind.pointer()).dereference()
    text = gdb.default_visualizer(rubbish).to_string()
    if "not constructed yet, or overwritten" not in text:
        expect(f"rubbish as {name}", text, "known as such")

expect("the number of strategies", len(drawn), 15)
for name, text in drawn:
    printer = gdb.default_visualizer(gdb.parse_and_eval(name))
    if printer is None:
        expect(name, "without a printer", "printed")
        continue
    expect(name, printer.to_string().rstrip("\n"), text.rstrip("\n"))

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
expect_match("moved", r"= arena: released, or moved from")

gdb.execute("kill")
gdb.execute(f"quit {1 if faults else 0}")
