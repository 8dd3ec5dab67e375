"""gdb's pretty-printers of allot's strategies and of what stands for something in one.

`print arena` gives its title, its picture, and the live objects whose type is known. Nothing is
called in the program, so that core files do, too. In a backtrace's arguments a title must do.
"""

import re

import gdb
import gdb.printing

from .picture import HELD, LENT, USED, Picture, counted, terminal_width, to_text
from .sketch import STRATEGIES, Damaged, Sketch, chain, round_up

NAMESPACE = r"^allot::v1(?:_\w+)?::"


class Value:
    """A gdb.Value as sketches take it."""

    def __init__(self, value):
        self.value = value

    def __getitem__(self, member):
        return Value(self.value[member])

    def __contains__(self, member):
        return any(field.name == member for field in self.value.type.strip_typedefs().fields())

    def __int__(self):
        return int(self.value)

    def target(self):
        return Value(self.value.dereference())

    def at(self, index):
        return Value((self.value + index).dereference())

    def target_size(self):
        return self.value.type.strip_typedefs().target().sizeof


def read(address, size):
    return bytes(gdb.selected_inferior().read_memory(address, size))


def at(address, kind):
    return gdb.Value(address).cast(kind.pointer()).dereference()


SKETCH = Sketch(read)


def picture_of(name, value):
    try:
        return STRATEGIES[name](SKETCH, Value(value))
    except (Damaged, gdb.error, gdb.MemoryError, OverflowError):
        return Picture(name + ": not constructed yet, or overwritten")


# ------------------------------------------------------------------------------- live objects


def typed_objects(value):
    kind = value.type.strip_typedefs().template_argument(0)
    holes = SKETCH.holes(Value(value))
    for i in range(int(value["count_"])):
        if i not in holes:
            yield f"[{i}]", at(int(value["begin_"]) + i * int(value["stride_"]), kind)


def pooled_objects(value):
    kind = value.type.strip_typedefs().template_argument(0)
    stride = int(value["kind_"]["stride"])
    count = 0
    for chunk, fills in SKETCH.chunks(Value(value)):
        for i, fill in enumerate(fills):
            if fill in (USED, LENT):
                yield f"[{count}]", at(int(chunk["begin"]) + i * stride, kind)
                count += 1


def argument_of(function, symbol):
    """The template argument of `Cleanups::add<...>`, in the name of what is in it."""
    start = symbol.find(function + "<")
    if start == -1:
        return None
    start += len(function) + 1
    depth = 1
    for end in range(start, len(symbol)):
        depth += {"<": 1, ">": -1}.get(symbol[end], 0)
        if depth == 0:
            return symbol[start:end].strip()
    return None


def type_named(name):
    try:
        return gdb.lookup_type(name) if name else None
    except gdb.error:
        return None


def owed_objects(value):
    """What an Arena or a Region must destroy, the newest first: records tell the types."""
    count = 0
    for record in chain(Value(value)["objects_"]["at_"]["newest"], "older"):
        address = int(record.value.address)
        symbol = gdb.execute(f"info symbol {int(record['destroy'])}", to_string=True)
        one = type_named(argument_of("Cleanups::add", symbol))
        many = type_named(argument_of("Cleanups::add_array", symbol))
        kind = one or many
        if kind is None:
            yield f"[{count}]", symbol.strip()  # all that is known
            count += 1
            continue
        header = record.value.type.sizeof + (0 if one else 8)
        begin = address + round_up(header, kind.alignof)
        number = 1 if one else SKETCH.word(address + record.value.type.sizeof)
        for i in range(number):
            yield f"[{count}] {kind}", at(begin + i * kind.sizeof, kind)
            count += 1


def blocks(value):
    begin, stride = int(value["begin_"]), int(value["stride_"])
    for i in SKETCH.blocks_in_use(Value(value)):
        yield f"[{i}]", gdb.Value(begin + i * stride).cast(gdb.lookup_type("void").pointer())


LIVE = {
    "TypedArena": typed_objects,
    "ObjectPool": pooled_objects,
    "BlockPool": blocks,
    "Arena": owed_objects,
    "Scratch": owed_objects,
    "Region": owed_objects,
}


# ----------------------------------------------------------------------------------- printers


class StrategyPrinter:
    def __init__(self, name, value):
        self.name = name
        self.value = value
        self.picture = picture_of(name, value)

    def to_string(self):
        if gdb.print_options().get("summary"):
            return self.picture.title
        return to_text(self.picture, terminal_width()) + "\n"

    def children(self):
        if self.picture.strips and self.name in LIVE:
            yield from LIVE[self.name](self.value)


class MarkerPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        if int(self.value["serial_"]) == 0:
            return "mark of no stack"
        return f"mark {int(self.value['index_'])}"


class HandlePrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        if int(self.value["epoch_"]) == 0:
            return "handle of no object"
        return f"handle {int(self.value['index_'])} of epoch {int(self.value['epoch_'])}"


class LeasePrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        return "lease" if int(self.value["object_"]) else "lease that was moved from"

    def children(self):
        if int(self.value["object_"]):
            yield "object", self.value["object_"].dereference()


class OnStrategyPrinter:
    """A Resource or an Allocator: whose memory it gives."""

    def __init__(self, value):
        member = value["strategy_"]
        pointer = member.type.strip_typedefs().code == gdb.TYPE_CODE_PTR
        self.strategy = member.dereference() if pointer else member.referenced_value()

    def to_string(self):
        name = strategy_name(self.strategy.type)
        return "on " + (picture_of(name, self.strategy).title if name else "a strategy")


class BufferPrinter:
    def __init__(self, value):
        self.value = value

    def to_string(self):
        size = int(self.value["size_"])
        source = str(self.value["source_"]).rsplit("::", 1)[-1]
        whose = {"none": "the caller's" if size else "none"}.get(source, f"from the {source}")
        return f"{counted(size, 'byte')} at {int(self.value['data_']):#x}, {whose}"


HANDLES = (
    (r"Marker$", MarkerPrinter),
    (r"TypedHandle<.*>$", HandlePrinter),
    (r"ObjectPool<.*>::Lease$", LeasePrinter),
    (r"(?:Resource|Allocator)<.*>$", OnStrategyPrinter),
    (r"Buffer$", BufferPrinter),
)


def strategy_name(kind):
    tag = kind.strip_typedefs().unqualified().tag or ""
    name = re.sub(NAMESPACE, "", tag)
    if name == tag or "::" in name.split("<")[0] or re.search(r">::", name):
        return None
    return name.split("<")[0] if name.split("<")[0] in STRATEGIES else None


class Printers(gdb.printing.PrettyPrinter):
    def __init__(self):
        super().__init__("allot")

    def __call__(self, value):
        kind = value.type.strip_typedefs().unqualified()
        if kind.code not in (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION) or not kind.tag:
            return None
        name = strategy_name(kind)
        if name:
            return StrategyPrinter(name, value)
        for pattern, printer in HANDLES:
            if re.match(NAMESPACE + pattern, kind.tag):
                return printer(value)
        return None


def register(objfile):
    gdb.printing.register_pretty_printer(objfile, Printers(), replace=True)
