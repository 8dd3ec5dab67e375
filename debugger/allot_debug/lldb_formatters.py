"""lldb's summaries of allot's strategies, and the live objects of those that hold one type.

As gdb_printers.py, but for what lldb does not tell: how a type is aligned, and so where the objects
are that an Arena or a Region must destroy.
"""

import lldb

from .picture import LENT, USED, Picture, counted, terminal_width, to_text
from .sketch import STRATEGIES, Damaged, Sketch

NAMESPACE = "^allot::(v1(_[a-z]+)?::)?"  # lldb leaves inline namespaces out of some names
MODULE = __name__


class Value:
    """An SBValue as sketches take it."""

    def __init__(self, value):
        self.value = value

    def __getitem__(self, member):
        child = self.value.GetChildMemberWithName(member)
        if not child.IsValid():
            raise Damaged()
        return Value(child)

    def __contains__(self, member):
        return self.value.GetChildMemberWithName(member).IsValid()

    def __int__(self):
        error = lldb.SBError()
        number = self.value.GetValueAsUnsigned(error, 0)
        if error.Fail():
            raise Damaged()
        return number

    def target(self):
        return self.at(0)

    def pointee(self):
        return self.value.GetType().GetCanonicalType().GetPointeeType()

    def at(self, index):
        return Value(value_at(self.value, int(self) + index * self.target_size(), self.pointee()))

    def target_size(self):
        return self.pointee().GetByteSize()


def value_at(near, address, kind, name="object"):
    target = near.GetTarget()
    return target.CreateValueFromAddress(name, lldb.SBAddress(address, target), kind)


def sketch_of(value):
    process = value.GetProcess()

    def read(address, size):
        error = lldb.SBError()
        raw = process.ReadMemory(address, size, error)
        if error.Fail():
            raise Damaged()
        return raw

    return Sketch(read)


def name_of(value):
    """The strategy that it is, without what it is a template of."""
    name = value.GetType().GetCanonicalType().GetUnqualifiedType().GetName()
    return name.split("<")[0].rsplit("::", 1)[-1]


def picture_of(value):
    name = name_of(value)
    try:
        return STRATEGIES[name](sketch_of(value), Value(value))
    except (Damaged, OverflowError):
        return Picture(name + ": not constructed yet, or overwritten")


# ------------------------------------------------------------------------------- what is shown


def strategy(value, _):
    return to_text(picture_of(value.GetNonSyntheticValue()), terminal_width())


def marker(value, _):
    members = Value(value.GetNonSyntheticValue())
    return f"mark {int(members['index_'])}" if int(members["serial_"]) else "mark of no stack"


def handle(value, _):
    members = Value(value.GetNonSyntheticValue())
    if not int(members["epoch_"]):
        return "handle of no object"
    return f"handle {int(members['index_'])} of epoch {int(members['epoch_'])}"


def on_strategy(value, _):
    return "on " + picture_of(value.GetChildMemberWithName("strategy_").Dereference()).title


def buffer(value, _):
    members = Value(value)
    size, source = int(members["size_"]), int(members["source_"])
    whose = ("the caller's" if size else "none", "from the heap", "from the system")
    whose = (whose + ("from the upstream",))[source]
    return f"{counted(size, 'byte')} at {int(members['data_']):#x}, {whose}"


class LiveObjects:
    """Of a TypedArena or an ObjectPool: children of a variable."""

    def __init__(self, value, _):
        self.value = value
        self.update()

    def update(self):
        self.places = []  # names and addresses
        members = Value(self.value)
        try:
            sketch = sketch_of(self.value)
            if picture_of(self.value).strips:
                self.places = list(self.find(sketch, members))
        except Damaged:
            pass
        return False

    def find(self, sketch, members):
        if name_of(self.value) == "TypedArena":
            begin, stride = int(members["begin_"]), int(members["stride_"])
            holes = sketch.holes(members)
            for i in range(int(members["count_"])):
                if i not in holes:
                    yield f"[{i}]", begin + i * stride
            return
        stride = int(members["kind_"].target()["stride"])
        count = 0
        for chunk, fills in sketch.chunks(members):
            for i, fill in enumerate(fills):
                if fill in (USED, LENT):
                    yield f"[{count}]", int(chunk["begin"]) + i * stride
                    count += 1

    def num_children(self):
        return len(self.places)

    def has_children(self):
        return True

    def get_child_index(self, name):
        return next((i for i, place in enumerate(self.places) if place[0] == name), -1)

    def get_child_at_index(self, index):
        if not 0 <= index < len(self.places):
            return None
        name, address = self.places[index]
        kind = self.value.GetType().GetCanonicalType().GetTemplateArgumentType(0)
        return value_at(self.value, address, kind, name)


def register(debugger):
    def command(text):
        debugger.HandleCommand(text)

    def summary(pattern, function, options=""):
        command(
            f'type summary add {options} -w allot -x "{NAMESPACE}{pattern}" -F {MODULE}.{function}'
        )

    of_one_type = "(TypedArena|ObjectPool)<.*>$"
    summary(f"({'|'.join(STRATEGIES)})$", "strategy")
    summary(of_one_type, "strategy", "-e")
    summary("Marker$", "marker")
    summary("TypedHandle<.*>$", "handle")
    summary("(Resource|Allocator)<.*>$", "on_strategy")
    summary("Buffer$", "buffer")
    command(
        f'type synthetic add -w allot -x "{NAMESPACE}{of_one_type}" -l {MODULE}.LiveObjects'
    )
    command("type category enable allot")
