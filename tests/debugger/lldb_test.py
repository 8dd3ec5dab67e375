"""Run by lldb, stopped where all strategies of the subject live: what it shows is what is expected."""

import os
import re
import sys

import lldb

sys.dont_write_bytecode = True
sys.path.insert(0, os.environ["TESTS"])
from expected import DAMAGED, drawn_by_program, expect, faults  # noqa: E402


def variables(debugger):
    thread = debugger.GetSelectedTarget().GetProcess().GetSelectedThread()
    frame = next(frame for frame in thread if frame.GetFunctionName() == "main")
    return frame.FindVariable


def __lldb_init_module(debugger, _):
    find = variables(debugger)
    rubbish = find("rubbish").GetLoadAddress()
    drawn = drawn_by_program()
    for name, text in drawn:
        value = find(name)
        expect(name, value.GetSummary(), text)
        target = value.GetTarget()
        other = target.CreateValueFromAddress(
            "other", lldb.SBAddress(rubbish, target), value.GetType()
        )
        expect(f"rubbish as {name}", str(other.GetSummary()).rsplit(": ", maxsplit=1)[-1], DAMAGED)

    def children(name):
        return [str(child.GetChildAtIndex(0).GetValue()) for child in find(name)]

    expect("objects of typed_arena", children("typed_arena"), ["1", "7", "1", "1"])
    expect("objects of object_pool", children("object_pool"), ["0", "1", "17", "18", "19"])
    expect("marker", find("marker").GetSummary(), "mark 0")
    for name, pattern in (
        ("handle", r"^handle 1 of epoch \d+$"),
        ("allocator", r'^on arena "request": [0-9,]+ of 4,096 bytes used'),
        ("buffer", "^4,096 bytes at 0x[0-9a-f]+, from the heap$"),
    ):
        seen = str(find(name).GetSummary())
        if not re.search(pattern, seen):
            expect(name, seen, f"what matches {pattern}")
    print(f"{len(drawn)} strategies compared, {len(faults)} faults")
    sys.stdout.flush()
    debugger.GetSelectedTarget().GetProcess().Kill()
    os._exit(1 if faults else 0)
