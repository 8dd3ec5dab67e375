"""What both debuggers are compared with, and how."""

import os

faults = []


def expect(what, seen, expected):
    if seen != expected:
        faults.append(what)
        print(f"{what} is\n{seen}\nand not\n{expected}")


def drawn_by_program():
    """Names of strategies, and the pictures that the subject drew of them."""
    with open(os.environ["DRAWN"], encoding="utf-8") as file:
        parts = file.read().split("== ")[1:]
    drawn = [part.split("\n", 1) for part in parts]
    expect("the number of strategies", len(drawn), 15)
    return [(name, text.rstrip("\n")) for name, text in drawn]


DAMAGED = "not constructed yet, or overwritten"
