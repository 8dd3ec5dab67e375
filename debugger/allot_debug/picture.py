"""Pictures of memory as text: what src/draw/ does, for a program that can't be asked.

A test compares both: what a program prints of its strategies, and what the debugger shows of them.
"""

import os

FREE, USED, LENT, PADDING, HOLE, HELD, RECORDS = ".#L/o-="
WORDS = {
    USED: "used",
    LENT: "used, leased",
    HELD: "held, not in use",
    FREE: "free",
    PADDING: "skipped to align",
    HOLE: "hole: a constructor failed",
    RECORDS: "records",
}
BY_VALUE = (FREE, USED, LENT, PADDING, HOLE, HELD, RECORDS)  # as they are numbered in C++
PARTLY = "+"


class Strip:
    """Segments are [fill, bytes, bytes of a block]; marks are (offset, text)."""

    def __init__(self, label="", caption="", unit=0):
        self.label = label
        self.caption = caption
        self.unit = unit
        self.segments = []
        self.marks = []
        self.reserved = 0

    def add(self, fill, size, block=0):
        if size == 0:
            return
        if self.segments and self.segments[-1][0] == fill and self.segments[-1][2] == block:
            self.segments[-1][1] += size
        else:
            self.segments.append([fill, size, block])

    def mark(self, offset, text):
        at = len(self.marks)
        while at and self.marks[at - 1][0] > offset:
            at -= 1
        self.marks.insert(at, (offset, text))

    def size(self):
        return sum(segment[1] for segment in self.segments)


class Picture:
    def __init__(self, title, strips=(), notes=()):
        self.title = title
        self.strips = list(strips)
        self.notes = list(notes)


# ------------------------------------------------------------------------------------- figures


def grouped(n):
    return f"{n:,}"


def counted(n, what):
    return f"{n:,} {what}" + ("" if n == 1 else "s")


def in_units(size):
    units = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")
    unit, whole, one, tenths = 0, size, 1, 0
    while whole >= 1024:
        unit += 1
        one *= 1024
        tenths = (size % one * 10 + one // 2) // one
        whole = size // one + tenths // 10
        tenths %= 10
    return f"{whole}" + (f".{tenths}" if size % one else "") + " " + units[unit]


def shown(raw):
    """Bytes of a name, with '?' for what a terminal would obey, or not know."""
    text = ""
    while raw:
        for length in range(1, 5):
            try:
                letter = raw[:length].decode("utf-8")
                break
            except UnicodeDecodeError:
                letter = ""
        control = letter and (ord(letter) < 0x20 or 0x7F <= ord(letter) < 0xA0)
        text += "?" if not letter or control else letter
        raw = raw[length if letter else 1 :]
    return text


NO_COLUMN = ((0x300, 0x36F), (0x200B, 0x200F), (0x20D0, 0x20FF), (0xFE00, 0xFE0F), (0xFE20, 0xFE2F))
TWO_COLUMNS = (
    (0x1100, 0x115F),
    (0x2E80, 0xA4CF),
    (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF),
    (0xFE30, 0xFE6F),
    (0xFF00, 0xFF60),
    (0x1F300, 0x1F64F),
    (0x1F900, 0x1F9FF),
    (0x20000, 0x3FFFD),
)


def columns(text):
    def lies_in(ranges, code):
        return any(first <= code <= last for first, last in ranges)

    return sum(
        0 if lies_in(NO_COLUMN, ord(c)) else 2 if lies_in(TWO_COLUMNS, ord(c)) else 1 for c in text
    )


def wrapped(text, width, indent):
    lines = []
    while columns(text) > width:
        start = len(text) - len(text.lstrip(" "))
        end = at = text.find(" ", start)
        while at != -1 and columns(text[:at]) <= width:
            end = at
            at = text.find(" ", at + 1)
        if end == -1:
            break
        lines.append(text[:end])
        text = indent + text[end + 1 :]
    lines.append(text)
    return lines


def terminal_width():
    told = os.environ.get("COLUMNS", "")
    return int(told) if told.isdigit() and int(told) else 80


# --------------------------------------------------------------------------------------- scale


def cells_up_to(strip, ends):
    result = []
    segment, segment_end, at = 0, strip.segments[0][1] if strip.segments else 0, 0
    for end in ends:
        sizes = dict.fromkeys(BY_VALUE, 0)
        while at < end:
            to = min(end, segment_end)
            sizes[strip.segments[segment][0]] += to - at
            at = to
            if at == segment_end:
                segment += 1
                if segment != len(strip.segments):
                    segment_end += strip.segments[segment][1]
        used = sizes[USED] or sizes[LENT]
        idle = sizes[FREE] or sizes[HELD] or sizes[HOLE]
        result.append(PARTLY if used and idle else max(BY_VALUE, key=lambda fill: sizes[fill]))
    return "".join(result)


def cells(strip, count):
    size = strip.size()
    return cells_up_to(
        strip, [size // count * (i + 1) + size % count * (i + 1) // count for i in range(count)]
    )


def cells_of(strip, step):
    size = strip.size()
    return cells_up_to(strip, [min(size, at + step) for at in range(0, size, step)])


def to_scale(size, longest, most):
    return 0 if size == 0 else max(1, int(size / longest * most + 0.5))


def grid(units, most_in_row):
    in_row = 1 << min(max(most_in_row, 8), 64).bit_length() - 1
    each = max(1, -(-units // (16 * in_row)))
    return 1 << (each - 1).bit_length(), in_row


# ---------------------------------------------------------------------------------------- text


class Text:
    MARGIN = "  "

    def __init__(self, picture, width):
        self.picture = picture
        self.width = min(max(width, 40), 1000)
        self.lines = []
        self.seen = set()

    def draw(self):
        self.wrap(self.picture.title, self.MARGIN)
        self.measure()
        for strip in self.picture.strips:
            (self.draw_bitmap if strip.unit else self.draw_strip)(strip)
        self.draw_legend()
        for note in self.picture.notes:
            self.wrap(self.MARGIN + note, "    ")
        return "\n".join(self.lines)

    def line(self, text):
        self.lines.append(text.rstrip(" "))

    def wrap(self, text, indent):
        for part in wrapped(text, self.width, indent):
            self.line(part)

    def measure(self):
        self.labels = max([columns(strip.label) for strip in self.picture.strips], default=0)
        captions = max([columns(strip.caption) for strip in self.picture.strips], default=0)

        def left(captions):
            beside = 2 + (self.labels and self.labels + 1) + 2 + (captions and captions + 1)
            return max(0, self.width - beside)

        self.with_captions = left(captions) >= 12
        self.most = max(left(captions if self.with_captions else 0), 12)
        self.longest = max([strip.size() for strip in self.picture.strips], default=0)

    def front(self, label):
        if not self.labels:
            return self.MARGIN
        return self.MARGIN + label + " " * (self.labels - columns(label)) + " "

    def see(self, row):
        self.seen.update(row)

    def draw_strip(self, strip):
        tail = f" ... {in_units(strip.reserved)} of addresses" if strip.reserved else ""
        tail_fits = len(tail) + 8 <= self.most
        count = to_scale(
            strip.size(), self.longest, self.most - len(tail) if tail_fits else self.most
        )
        row = cells(strip, count) if count else ""
        self.see(row)
        row = self.name_segments(strip, row)
        drawn = self.front(strip.label) + "|" + row + "|"
        if tail_fits:
            drawn += tail
        if self.with_captions and strip.caption:
            drawn += " " + strip.caption
        self.line(drawn)
        if not tail_fits:
            self.line(self.front("") + tail[1:])
        self.draw_marks(strip, count)

    @staticmethod
    def to_cell(at, size, count):
        return int(at / size * count) if size else 0

    def name_segments(self, strip, row):
        size, at, before, count = strip.size(), 0, None, len(row)
        for segment in strip.segments:
            fill, length, block = segment
            begin = self.to_cell(at, size, count)
            at += length
            end = self.to_cell(at, size, count)
            if before and before[0] == fill and before[2] != block and end - begin > 1:
                row = row[:begin] + "|" + row[begin + 1 :]
            name = f"blocks of {in_units(block)}" if block and fill == USED else in_units(length)
            if fill != PADDING and end - begin >= len(name) + 6:
                middle = begin + (end - begin - len(name) - 2) // 2
                row = row[:middle] + f" {name} " + row[middle + len(name) + 2 :]
            before = segment
        return row

    def draw_marks(self, strip, count):
        begin = columns(self.front("")) + 1
        size = strip.size()
        told = [f"{text}: {grouped(offset)}" for offset, text in strip.marks]
        at = [self.to_cell(offset, size, count) for offset, _ in strip.marks]
        lines, left_out, i = [], 0, 0
        while i != len(told):
            column = begin + at[i]
            end = i + 1
            while end != len(told) and at[end] == at[i]:
                end += 1
            text = told[i]
            if end - i == 2:
                text += ", " + told[i + 1]
            elif end - i > 2:
                text += f" and {grouped(end - i - 1)} more"
            if end - i > 1 and not self.fits(column, text):
                text = told[i]
                end = i + 1
            if not self.place(lines, column, text):
                left_out += end - i
            i = end
        for text in lines:
            self.line(text)
        if left_out:
            self.line(self.front("") + f"and {counted(left_out, 'mark')} more")

    def fits(self, column, text):
        return column + 2 + len(text) <= self.width or column > len(text) + 1

    def place(self, lines, column, text):
        turned = column + 2 + len(text) > self.width and column > len(text) + 1
        start = column - len(text) - 1 if turned else column
        for i in range(6):
            if i == len(lines):
                lines.append("")
            if lines[i] and len(lines[i]) >= start:
                continue
            lines[i] = lines[i].ljust(start) + (text + " ^" if turned else "^ " + text)
            return True
        return False

    def draw_bitmap(self, strip):
        units = strip.size() // strip.unit
        wide = min(8, (self.most + 1) // units if units else 0)
        if wide >= 3:
            row = cells_of(strip, strip.unit)
            self.see(row)
            self.line(self.front(strip.label) + "|" + "".join(c * (wide - 1) + "|" for c in row))
            return
        digits = len(grouped(units - 1))
        each, in_row = grid(units, self.most - min(self.most, digits + 1))
        row = cells_of(strip, each * strip.unit)
        self.see(row)
        label, before, same = strip.label, "", False
        for at in range(0, len(row), in_row):
            part = row[at : at + in_row]
            head = self.front(label) + grouped(at * each).rjust(digits) + " |"
            label = ""
            if part != before or at + in_row >= len(row):
                self.line(head + part + "|")
            elif not same:
                self.line(self.front("") + "*".rjust(digits))
            same = part == before
            before = part
        if each != 1:
            self.line(self.front("") + f"each is {grouped(each)} of them")

    def draw_legend(self):
        legend = ""
        signs = [(fill, words) for fill, words in WORDS.items() if fill in self.seen]
        if PARTLY in self.seen:
            signs.append((PARTLY, "partly used"))
        for sign, meaning in signs:
            one = f"{self.MARGIN}{sign} {meaning}"
            if len(legend) + len(one) > self.width:
                self.line(legend)
                legend = ""
            legend += one
        if legend:
            self.line(legend)


def to_text(picture, width):
    return Text(picture, width).draw()
