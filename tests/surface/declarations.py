"""What headers declare to users, a line each, whatever the compiler: from their text, without
comments, bodies, private parts and what is in namespaces called detail."""

import re

ATTRIBUTE = re.compile(r"\[\[.*?\]\]|__attribute__\(\(.*?\)\)|\binline\b(?! namespace)")
ACCESS = re.compile(r"(public|protected|private)\s*:(?!:)")
CLASS = re.compile(r"(?:template\s*<.*>\s*)?(?:class|struct|union)\s+(?P<name>\w+(?:<.*?>)?)(?!.*\()")
NOTHING = re.compile(r"friend\b|static_assert\b|$")


def without_comments(text):
    text = re.sub(r"//[^\n]*|/\*.*?\*/", " ", text, flags=re.S)
    return re.sub(r"\\\n", " ", text)


def end_of_braces(text, at):
    """The place behind the brace that closes the one at `at`."""
    depth = 0
    while True:
        if text[at] in "\"'":
            at = end_of_quoted(text, at)
            continue
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        at += 1
        if depth == 0:
            return at


def end_of_quoted(text, at):
    if text[at] == "'" and text[at - 1].isdigit():  # 1'000
        return at + 1
    end = at + 1
    while text[end] != text[at]:
        end += 2 if text[end] == "\\" else 1
    return end + 1


def end_of_head(text, at):
    """Where what begins at `at` has its first ; { or }, outside of parentheses."""
    depth = 0
    while depth > 0 or text[at] not in ";{}":
        if text[at] in "\"'":
            at = end_of_quoted(text, at)
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
    return at


def ends_in_requirement(head):
    """Whether what follows in braces is a requirement, not a body."""
    for word in re.finditer(r"\brequires ?", head):
        at, depth = word.end(), 0
        while at < len(head) and (depth > 0 or head[at] == "("):
            depth += {"(": 1, ")": -1}.get(head[at], 0)
            at += 1
            if depth == 0:
                break
        if at == len(head):
            return True
    return False


def spelled(code):
    """The same text for the same declaration, however it is laid out."""
    code = re.sub(r"\s+", " ", ATTRIBUTE.sub("", code)).strip()
    return re.sub(r"(?<=[(<\[]) | (?=[)>\],;])", "", code)


def without_initializers(head):
    """A constructor's head ends where its members begin."""
    return re.sub(r"(\)\s*(?:noexcept(?:\(.*?\))?)?)\s*:(?!:).*", r"\1", head, flags=re.S)


def members(text, at, scope, open_to_all, found):
    """Adds what is declared from `at` to the brace that closes it; gives the place behind that."""
    shown = open_to_all
    while True:
        end = end_of_head(text, at)
        head = text[at:end].strip()
        while label := ACCESS.match(head):
            shown = label[1] == "public"
            head = head[label.end():].strip()
        head = spelled(head)
        at = end + 1
        if text[end] == "}":
            return at
        if text[end] == "{":
            namespace = re.match(r"(?:inline )?namespace ?([\w:]*)|extern \"C\"$", head)
            if namespace:
                inner = namespace[1] if not head.startswith("inline") else ""
                hidden = inner == "detail"
                at = members(text, at, f"{scope}::{inner}" if inner else scope, not hidden,
                             set() if hidden else found)
                continue
            behind = end_of_braces(text, end)
            if (kind := CLASS.match(head)) and "=" not in head.split(":")[0]:
                if shown:
                    found.add(f"{scope}: {head}")
                members(text, at, f"{scope}::{kind['name']}",
                        not re.search(r"\bclass " + re.escape(kind["name"]), head),
                        found if shown else set())
                at = end_of_head(text, behind) + 1
                continue
            body = spelled(text[end:behind])
            whole = ends_in_requirement(head)
            while whole or re.search(r"\bconcept\b|\benum\b", head) or "(" not in head:
                # The braces are part of what is declared.
                rest = end_of_head(text, behind)
                head = spelled(head + " " + body + " " + text[behind:rest])
                if text[rest] == ";":
                    behind = rest + 1
                    break
                end, behind = rest, end_of_braces(text, rest)
                body = spelled(text[end:behind])
                whole = ends_in_requirement(head)
                if not whole and not re.search(r"\bconcept\b", head):
                    break
            at = behind
            while text[at:].lstrip()[:1] in (",", "{"):  # members that are initialized by braces
                at = end_of_braces(text, text.index("{", at))
        if shown and not NOTHING.match(head):
            found.add(f"{scope}: {spelled(without_initializers(head))}")


def declarations(text):
    """Those of a header's text."""
    text = without_comments(text)
    found = {f"macro: {name}" for name in re.findall(r"^# *define +(ALLOT_\w+)", text, flags=re.M)
             if not name.startswith("ALLOT_DETAIL_")}
    code = re.sub(r"^ *#[^\n]*", "", text, flags=re.M) + "}"
    members(code, 0, "", True, found)
    return {line.removeprefix("::").removeprefix(": ") for line in found}
