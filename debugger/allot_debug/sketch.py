"""What each strategy shows of itself, as src/draw/sketch.cpp tells it: one function for each.

A value is what both debuggers can make of a variable: `value["member"]`, of base classes too,
`int(value)` of numbers and pointers, `value.target()` of a pointer, `"member" in value`.
"""

from .picture import FREE, HELD, HOLE, LENT, PADDING, RECORDS, USED
from .picture import Picture, Strip, counted, grouped, in_units, shown

GRANULE = 8
SLAB = 65536
PAGE = 4096
NONE = 0xFFFFFFFF  # in place of a slab's number
MOST_ARENAS = 8  # of a list
MOST = 100_000  # of what is followed one by one, so that damage does not lead on for ever


class Damaged(Exception):
    """What a value says of itself can't be: it is not constructed yet, or was overwritten."""


def check(truth):
    if not truth:
        raise Damaged()


def round_up(n, step=GRANULE):
    return (n + step - 1) // step * step


class Cursor:
    def __init__(self, value):
        self.begin = int(value["begin_"])
        self.head = int(value["head_"])
        self.end = int(value["end_"])
        self.padded = int(value["padded_"])
        self.gap = gap_of(value)
        check(self.gap <= 1 and self.begin <= self.head <= self.end)
        check(self.begin % GRANULE == 0 and self.head % GRANULE == 0)
        self.high = max(self.head, int(value["dirty_"])) - self.begin >> self.gap
        self.peak = max(int(value["peak_"]), self.high)
        self.used = self.offset(self.head)
        self.capacity = self.offset(self.end)
        self.available = self.end - self.head >> self.gap

    def offset(self, address):
        return address - self.begin >> self.gap


def gap_of(value):
    gap = value["gap_"]
    return int(gap["shift_"]) if "shift_" in gap else 0


def records_of(stack):
    """Of a RecordStack, the oldest first."""
    top, size = stack["top_"], 0
    size = (int(top) - int(stack["next_"])) // top.target_size()
    check(0 <= size <= MOST)
    return [top.at(-1 - i) for i in range(size)]


def chain(value, link):
    """What a pointer leads to, by the member that leads to the next."""
    count = 0
    while int(value):
        check(count < MOST)
        count += 1
        value = value.target()
        yield value
        value = value[link]


class Sketch:
    def __init__(self, read):
        self.read_memory = read  # the bytes at an address, so many

    def read(self, address, size):
        check(0 <= size < 1 << 32)
        return self.read_memory(address, size) if size else b""

    def word(self, address, size=8):
        return int.from_bytes(self.read(address, size), "little")

    def text(self, pointer):
        """A C string, or None. It may be cut."""
        address, raw = int(pointer), b""
        if address == 0:
            return None
        while len(raw) < 256 and not raw.endswith(b"\0"):
            raw += self.read(address + len(raw), 1)
        return shown(raw.rstrip(b"\0"))

    def who(self, kind, name):
        name = self.text(name)
        return kind + ("" if name is None else f' "{name}"') + ": "

    def released(self, who):
        return Picture(who + "released, or moved from")

    @staticmethod
    def title(who, used, capacity, available, peak):
        return (
            f"{who}{grouped(used)} of {grouped(capacity)} bytes used, {grouped(available)} left, "
            f"peak {grouped(peak)}"
        )

    # ------------------------------------------------------------------- what bumps a cursor

    def add_cursor(self, strip, cursor):
        skipped, block = [], cursor.padded
        while block != cursor.begin - GRANULE:
            told = self.word(block - 8)
            skip = told % (1 << 20) * GRANULE or self.word(block - 16)
            check(cursor.begin < block <= cursor.head and told >> 20 and len(skipped) < MOST)
            skipped.append((cursor.offset(block - skip), skip >> cursor.gap))
            block -= (told >> 20) * GRANULE
        at = 0
        for offset, size in reversed(skipped):
            strip.add(USED, offset - at)
            strip.add(PADDING, size)
            at = offset + size
        strip.add(USED, cursor.used - at)
        strip.add(FREE, cursor.available)

    @staticmethod
    def records(value, place_of, place):
        """Checkpoints and scopes with their places, the oldest first; `place` is where it stands."""
        found = []
        checkpoints = records_of(value["checkpoints_"])
        number = len(checkpoints)
        scopes = list(chain(value["scopes_"]["innermost_"], "outer_"))
        for scope in scopes + [None]:
            before = 0 if scope is None else int(scope["checkpoints_"])
            while number > before:
                number -= 1
                place = min(place, place_of(checkpoints[number]))
                found.append((place, f"checkpoint {grouped(number)}"))
            if scope is not None:
                place = min(place, place_of(scope["position_"]))
                found.append((place, "scope"))
        return found[::-1]

    @staticmethod
    def mark_peak(strip, peak):
        if peak:
            strip.mark(peak, "peak")

    def add_checkpoints(self, strip, value, cursor, place_of):
        for place, text in self.records(value, place_of, cursor.head):
            strip.mark(cursor.offset(place), text)
        self.mark_peak(strip, cursor.peak)

    def bump(self, value):
        cursor = Cursor(value["cursor_"])
        who = self.who("bump", value["name_"])
        if cursor.begin == 0:
            return self.released(who)
        strip = Strip()
        self.add_cursor(strip, cursor)
        self.mark_peak(strip, cursor.peak)
        title = self.title(who, cursor.used, cursor.capacity, cursor.available, cursor.peak)
        return Picture(title, [strip])

    def arena(self, value):
        cursor = Cursor(value["cursor_"])
        who = self.who(self.text(value["kind_"]), value["name_"])
        if cursor.begin == 0:
            return self.released(who)
        strip = Strip()
        self.add_cursor(strip, cursor)
        size = int(value["buffer_"]["size_"])
        strip.add(RECORDS, size - cursor.capacity)
        self.add_checkpoints(strip, value, cursor, lambda at: int(at["place"]["head"]))
        capacity = size - int(value["set_aside_"])
        title = self.title(who, cursor.used, capacity, cursor.available, cursor.peak)
        return Picture(title, [strip], self.objects_to_destroy(value))

    @staticmethod
    def objects_to_destroy(value):
        count = int(value["objects_"]["at_"]["count"])
        return [counted(count, "object") + " to destroy"] if count else []

    def mapped_arena(self, value):
        cursor = Cursor(value["cursor_"])
        who = self.who("mapped_arena", value["name_"])
        if cursor.begin == 0:
            return self.released(who)
        strip = Strip()
        self.add_cursor(strip, cursor)
        if strip.segments and strip.segments[-1][0] == FREE:
            strip.segments.pop()
        capacity = int(value["capacity_"])
        committed = max(int(value["committed_"]), round_up(cursor.high, PAGE))
        held = min(capacity, max(committed, cursor.used))
        strip.add(HELD, held - cursor.used)
        strip.reserved = capacity - held
        self.add_checkpoints(strip, value, cursor, lambda at: int(at["head"]))
        title = self.title(who, cursor.used, capacity, capacity - cursor.used, cursor.peak)
        return Picture(title, [strip])

    def stack(self, value):
        cursor = Cursor(value["cursor_"])
        who = self.who("stack", value["name_"])
        if cursor.begin == 0:
            return self.released(who)
        strip = Strip()
        self.add_cursor(strip, cursor)
        size = int(value["buffer_"]["size_"])
        strip.add(RECORDS, size - cursor.capacity)
        marks = [int(mark["top"]) for mark in records_of(value["marks_"])]
        for i, top in enumerate(marks):
            strip.mark(cursor.offset(min(top, cursor.head)), f"mark {grouped(i)}")
        for scope in chain(value["scopes_"]["innermost_"], "outer_"):
            strip.mark(cursor.offset(min(int(scope["top_"]), cursor.head)), "scope")
        self.mark_peak(strip, cursor.peak)
        capacity = size - int(value["set_aside_"])
        title = self.title(who, cursor.used, capacity, cursor.available, cursor.peak)
        return Picture(title, [strip])

    def region(self, value):
        who = self.who("region", value["options_"]["name"])
        if int(value["next_size_"]) == 0:
            return self.released(who)
        store = value["store_"]
        current = Cursor(value["cursor_"])
        used = int(value["retired_"]) + current.used
        peak = max(int(value["peak_"]), used)
        capacity = int(store["bytes_"])
        picture = Picture(self.title(who, used, capacity, current.available, peak))

        def listed(newest, rest):
            chunks = list(chain(newest, "older"))
            if len(chunks) > MOST_ARENAS:
                size = sum(int(chunk["size"]) for chunk in chunks[MOST_ARENAS:])
                left_out = counted(len(chunks) - MOST_ARENAS, rest)
                picture.notes.append(f"{left_out} of {in_units(size)} together, not shown")
            return chunks[:MOST_ARENAS]

        def add(chunk, cursor, label):
            strip = Strip(label, f"{grouped(cursor.used)} of {grouped(int(chunk['size']))}")
            self.add_cursor(strip, cursor)
            picture.strips.append(strip)

        depth = int(value["depth_"])
        arenas = listed(value["current_"], "older arena")
        cursors = [current] + [Cursor(chunk["cursor"]) for chunk in arenas[1:]]
        for i in reversed(range(len(arenas))):
            add(arenas[i], cursors[i], ("arena " if i else "current ") + grouped(depth - i))
        not_shown = 0

        def place_of(at):
            return int(at["depth"]), int(at["place"]["head"])

        for place, text in self.records(value, place_of, (depth, current.head)):
            above = depth - max(place[0], 1)
            if not 0 <= above < len(arenas):
                not_shown += 1
                continue
            offset = cursors[above].offset(place[1]) if place[0] else 0
            picture.strips[len(arenas) - 1 - above].mark(offset, text)
        if not_shown:
            picture.notes.append(counted(not_shown, "checkpoint") + " not shown")
        for chunk in reversed(listed(store["large_"], "older large arena")):
            add(chunk, Cursor(chunk["cursor"]), "large " + grouped(int(chunk["number"])))
        for newest in (store["spare_"], store["large_spare_"]):
            for chunk in listed(newest, "other spare"):
                size = int(chunk["size"])
                strip = Strip("large spare" if int(chunk["large"]) else "spare", grouped(size))
                strip.add(HELD, size)
                picture.strips.append(strip)
        picture.notes += self.objects_to_destroy(value)
        return picture

    # ----------------------------------------------------------------- what hands out numbers

    @staticmethod
    def units_title(who, used, capacity, unit, size, peak):
        return (
            f"{who}{grouped(used)} of {counted(capacity, unit)} of {counted(size, 'byte')} used, "
            f"peak {grouped(peak)}"
        )

    def slots(self, value, what, holes=frozenset()):
        who = self.who(self.text(value["kind_"]), value["name_"])
        if int(value["begin_"]) == 0:
            return self.released(who)
        size = round_up(int(value["slot_bytes_"]))
        used, capacity = int(value["count_"]), int(value["capacity_"])
        check(0 < size and used <= capacity and capacity * size < 1 << 48)
        strip = Strip(unit=size)
        for i in range(used if holes else 0):
            strip.add(HOLE if i in holes else USED, size)
        if not holes:
            strip.add(USED, used * size)
        strip.add(FREE, (capacity - used) * size)
        peak = max(int(value["peak_"]), used)
        title = self.units_title(who, used, capacity, what, size, peak)
        return Picture(title, [strip], [counted(len(holes), "hole")] if holes else [])

    def slot_arena(self, value):
        return self.slots(value, "slot")

    def typed_arena(self, value):
        return self.slots(value, "object", self.holes(value))

    def holes(self, value):
        """Numbers of the slots that a TypedArena lost: a tree whose links lie in them."""
        link = 4 if int(value["slot_bytes_"]) <= GRANULE else 8
        begin, stride = int(value["begin_"]), int(value["stride_"])
        found, rest = set(), [int(value["holes_"]["root_"])]
        while rest:
            slot = rest.pop() - 1
            if slot < 0 or slot in found:
                continue
            check(slot < int(value["count_"]))
            found.add(slot)
            address = begin + slot * stride
            rest += [self.word(address, link), self.word(address + link, link)]
        return found

    def blocks_in_use(self, value):
        """Numbers of the blocks of a BlockPool that are in use."""
        if int(value["order_"]) == 1:
            stack = value["stack_"]
            limit = int(stack["limit_"])
            flags = self.read(int(stack["flags_"]), limit) if limit else b""
            return [i for i, flag in enumerate(bytes(flags)) if flag]
        bitmap = value["bitmap_"]
        limit = int(bitmap["limit_"]) + int(bitmap["slow_limit_"])
        free = self.read(int(bitmap["leaves_"]), -(-limit // 64) * 8) if limit else b""
        return [i for i in range(limit) if not free[i // 8] >> i % 8 & 1] + list(
            range(limit, int(bitmap["prefix_"]))
        )

    def block_pool(self, value):
        who = self.who("block_pool", value["name_"])
        if int(value["begin_"]) == 0:
            return self.released(who)
        size, capacity = int(value["block_size_"]), int(value["capacity_"])
        check(0 < size and capacity * size < 1 << 48)
        in_use = self.blocks_in_use(value)
        check(len(in_use) <= capacity)
        if int(value["order_"]) == 1:
            stack = value["stack_"]
            below = (int(stack["floor_"]) - int(stack["bottom_"])) // 4
            peak = int(stack["limit_"]) - below
        else:
            bitmap = value["bitmap_"]
            peak = int(bitmap["peak_"] if int(bitmap["counting_"]) else bitmap["fresh_"])
        strip, at = Strip(unit=size), 0
        for i in in_use:
            strip.add(FREE, (i - at) * size)
            strip.add(USED, size)
            at = i + 1
        strip.add(FREE, (capacity - at) * size)
        peak = max(peak, int(value["peak_"]))
        return Picture(
            self.units_title(who, len(in_use), capacity, "block", size, peak), [strip]
        )

    def chunks(self, value):
        """Of an ObjectPool, the oldest first: the chunk, and what each slot that was used is."""
        returned = value["returned_"]
        begin, entry = int(returned["begin_"]), 16
        floor = (int(returned["floor_"]) - begin) // entry
        end = (int(returned["end_"]) - begin) // entry
        entries = self.read(begin, max(floor, end) * entry)
        stride = int(value["kind_"].target()["stride"])

        def fill(place, address):
            if place == (1 << 64) - 1:
                return LENT
            if place >= max(floor, end) or address != int.from_bytes(
                entries[place * entry : place * entry + 8], "little"
            ):
                return USED
            return FREE if place < floor else HELD

        found = []
        for chunk in chain(value["newest_"], "older"):
            first, fresh = int(chunk["begin"]), int(chunk["fresh"])
            check(fresh <= int(chunk["count"]))
            raw = self.read(int(chunk["places"]), fresh * 8)
            places = [int.from_bytes(raw[i : i + 8], "little") for i in range(0, len(raw), 8)]
            fills = [fill(place, first + i * stride) for i, place in enumerate(places)]
            found.append((chunk, fills))
        return found[::-1]

    def object_pool(self, value):
        who = self.who("object_pool", value["options_"]["name"])
        if int(value["next_count_"]) == 0:
            return self.released(who)
        returned = value["returned_"]
        closed = int(returned["end_"]) == int(returned["begin_"])
        available = 0 if closed else (int(returned["end_"]) - int(returned["floor_"])) // 16
        used = int(value["objects_"]) - available
        size = round_up(int(value["kind_"].target()["size"]))
        peak = max(int(value["peak_"]), used)
        picture = Picture(
            f"{who}{counted(used, 'object')} of {counted(size, 'byte')} in use, "
            f"{grouped(available)} available, peak {grouped(peak)}"
        )
        chunks = self.chunks(value)
        for i, (chunk, fills) in enumerate(chunks):
            strip = Strip(f"chunk {grouped(i + 1)}" if len(chunks) > 1 else "", unit=size)
            for fill in fills:
                strip.add(fill, size)
            strip.add(FREE, (int(chunk["count"]) - len(fills)) * size)
            picture.strips.append(strip)
        return picture

    # ------------------------------------------------------------------------ blocks of sizes

    def multipool(self, value):
        slabs = value["slabs_"]
        who = self.who("multipool", value["name_"])
        if int(slabs["begin_"]) == 0:
            return self.released(who)
        runs = slabs["runs_"]
        top, most = int(runs["top_"]), int(runs["most_"])
        memory = runs["memory_"]
        check(top <= int(memory["slabs_"]) < 1 << 32 and most <= int(memory["slabs_"]))
        classes, used_bytes, large = {}, 0, 0
        strip, i = Strip("slabs"), 0
        while i < top:
            run = runs["runs_"].at(i)
            length, kind = int(run["length"]), int(run["kind"])
            check(0 < length <= top - i)
            first = slabs["slabs_"].at(i)
            block = int(first["bytes"])
            if kind != 1:
                strip.add(HELD if kind == 2 else FREE, length * SLAB)
            else:
                used = 0
                if block == 0:
                    used = int(first["pages"]) * PAGE
                    large += 1
                else:
                    counts = classes.setdefault(int(first["size_class"]), [block, 0, 0])
                    for n in range(length):
                        slab = slabs["slabs_"].at(i + n)
                        in_use = int(slab["carved"]) - int(slab["free"])
                        used += in_use * block
                        counts[1] += in_use
                        counts[2] += int(slab["capacity"]) - in_use
                used_bytes += used
                used = min(used, length * SLAB)
                strip.add(USED, used, block)
                strip.add(FREE, length * SLAB - used, block)
            i += length
        beyond = (int(memory["slabs_"]) - top) * SLAB
        if int(memory["buffer_"]["data_"]):
            strip.add(FREE, beyond)
        else:
            strip.reserved = beyond
        peak = max(int(runs["peak_"]) * SLAB, used_bytes)
        available = (most - int(runs["in_use_"])) * SLAB
        title = self.title(who, used_bytes, most * SLAB, available, peak)
        picture = Picture(title, [strip])
        for _, (block, used, free) in sorted(classes.items()):
            part = Strip(f"{in_units(block)} blocks", f"{grouped(used)} of {grouped(used + free)}")
            part.add(USED, used * block)
            part.add(FREE, free * block)
            picture.strips.append(part)
        if large:
            picture.notes.append(counted(large, "large object"))
        return picture


# The class, and the function that draws it.
STRATEGIES = {
    "Bump": Sketch.bump,
    "Arena": Sketch.arena,
    "Scratch": Sketch.arena,
    "MappedArena": Sketch.mapped_arena,
    "Region": Sketch.region,
    "Stack": Sketch.stack,
    "SlotArena": Sketch.slot_arena,
    "TypedArena": Sketch.typed_arena,
    "BlockPool": Sketch.block_pool,
    "ObjectPool": Sketch.object_pool,
    "Multipool": Sketch.multipool,
}
