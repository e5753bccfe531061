"""Markdown down to its prose: what a voice could read out, and nothing else."""

import html
import re
from collections.abc import Iterator

_FENCE = re.compile(r"^\s{0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"^\s{0,3}#{1,6}(?:\s|$)")
_UNDERLINE = re.compile(r"^\s{0,3}(=+|-+)\s*$")
_RULE = re.compile(r"^\s{0,3}([-*_])(?:\s*\1){2,}\s*$")
_QUOTED = re.compile(r"^(?:\s{0,3}>\s?)+")
_DEFINITION = re.compile(r"^\s{0,3}\[[^\]]+\]:\s")
_BULLET = re.compile(r"^\s*(?:[-*+]|\d{1,3}[.)])\s+")

# Whole elements that hold no prose. The text between the tags of any other element is kept.
_NO_PROSE = ("script", "style", "iframe", "figure", "table", "pre", "svg", "video", "audio")
_ENCLOSED = (("<!--", "-->"), ("{%", "%}"), ("{{", "}}"))
_ELEMENTS = tuple(
    (re.compile(rf"<{name}\b", re.I), re.compile(rf"</{name}\s{{0,9}}>", re.I))
    for name in _NO_PROSE
)

# One level of brackets may stand inside a link's text or address. The negated classes share no
# character with what follows them, so that no text makes these slow.
_INNER = r"(?:[^\[\]]|\[[^\[\]]*\])"
_TARGET = r"\((?:[^()]|\([^()]*\))*\)"
_IMAGE = re.compile(rf"!\[{_INNER}*\](?:{_TARGET}|\[[^\[\]]*\])")
_LINK = re.compile(rf"\[({_INNER}*)\](?:{_TARGET}|\[[^\[\]]*\])")
_NOTE = re.compile(r"\[\^[^\[\]]+\]")
_ATTRIBUTES = re.compile(r"\{:[^{}]*\}")
_AUTOLINK = re.compile(r"<(?:https?://|mailto:)[^<>\s]*>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_CODE = re.compile(r"(`{1,3})([^`]+)\1")
_STRONG = re.compile(r"(\*{1,3})(?=\S)([^*]+?)(?<=\S)\1")
_UNDERSCORED = re.compile(r"(?<!\w)(_{1,3})(?=\S)([^_]+?)(?<=\S)\1(?!\w)")
_STRUCK = re.compile(r"~~(?=\S)([^~]+)(?<=\S)~~")
_SHORTCUT = re.compile(r"\[([^\[\]]+)\](?![(\[:])")
_ASIDE = 0xE000
_SET_ASIDE = re.compile("[\ue021-\ue07e]")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")


def strip_markdown(text: str) -> str:
    """Return the prose of a Markdown text, blank lines between paragraphs.

    Code, tables, images, headings, footnotes and HTML are dropped, links keep their words.
    """
    for opening, closing in _ENCLOSED:
        text = _without(text, re.compile(re.escape(opening)), re.compile(re.escape(closing)), "")
    for start, end in _ELEMENTS:
        text = _without(text, start, end, "\n\n")
    names = _reference_names(text)
    lines = "\n".join(_prose_lines(list(_without_tables(text.split("\n")))))
    blocks = re.split(r"\n\s*\n", lines)
    return "\n\n".join(inline for block in blocks if (inline := strip_inline(block, names)))


def first_heading(text: str) -> str:
    """Return the words of the first heading of the highest level there is, or ""."""
    found = re.search(r"^#[ \t]+(\S.*)$", text, re.M) or re.search(
        r"^(\S.*)\n=+[ \t]*$", text, re.M
    )
    return strip_inline(found.group(1).rstrip("# \t")) if found else ""


def strip_inline(text: str, names: frozenset[str] = frozenset()) -> str:
    """Drop the marks inside a paragraph; `names` are the link references that exist."""
    # Escaped signs step aside into the private use area, so that nothing takes them for marks.
    text = _ESCAPE.sub(lambda found: chr(_ASIDE + ord(found[1])), text)
    text = _IMAGE.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _NOTE.sub("", text)
    text = _ATTRIBUTES.sub("", text)
    text = _AUTOLINK.sub("", text)
    text = _TAG.sub("", text)
    text = _SHORTCUT.sub(lambda m: m[1] if m[1].strip().lower() in names else m[0], text)
    text = _CODE.sub(r"\2", text)
    # Twice, for emphasis inside emphasis.
    for _ in range(2):
        text = _UNDERSCORED.sub(r"\2", _STRONG.sub(r"\2", text))
    text = html.unescape(_STRUCK.sub(r"\1", text))
    return _SET_ASIDE.sub(lambda found: chr(ord(found[0]) - _ASIDE), text).strip()


def _without(text: str, start: re.Pattern[str], end: re.Pattern[str], instead: str) -> str:
    """Replace all from each `start` to the next `end`; what is never closed is kept.

    One pattern for both would look for the end anew from every start: hours, for a file of starts.
    """
    kept, at = [], 0
    while (opened := start.search(text, at)) and (closed := end.search(text, opened.end())):
        kept += [text[at : opened.start()], instead]
        at = closed.end()
    return "".join([*kept, text[at:]])


def _reference_names(text: str) -> frozenset[str]:
    return frozenset(
        name.strip().lower()
        for name in re.findall(r"^\s{0,3}\[([^\[\]^\n][^\[\]\n]*)\]:\s", text, re.M)
    )


def _prose_lines(lines: list[str]) -> Iterator[str]:
    fence = ""
    in_list = False
    for index, line in enumerate(lines):
        if fence:
            fence = "" if line.strip().startswith(fence) else fence
            continue
        line = _unquoted(line)
        if found := _FENCE.match(line):
            fence = found.group(1)
            yield ""
            continue
        before = lines[index - 1] if index else ""
        after = _unquoted(lines[index + 1]) if index + 1 < len(lines) else ""
        if _BULLET.match(line):
            in_list = True
        elif line.strip() and not line.startswith((" ", "\t")) and not before.strip():
            in_list = False
        if _is_structure(line, after) or (not in_list and _is_code(line, before)):
            yield ""
            continue
        yield line


def _is_structure(line: str, after: str) -> bool:
    """Tell whether a line is a heading, a rule or a definition."""
    if any(pattern.match(line) for pattern in (_HEADING, _RULE, _DEFINITION, _UNDERLINE)):
        return True
    return bool(line.strip() and _UNDERLINE.match(after) and not _BULLET.match(line))


def _without_tables(lines: list[str]) -> Iterator[str]:
    """Drop every row around a rule such as `---|---`, up to the next blank line."""
    inside = False
    for index, line in enumerate(lines):
        after = lines[index + 1] if index + 1 < len(lines) else ""
        inside = "|" in line and (inside or _is_table_rule(line) or _is_table_rule(after))
        if not inside and not line.lstrip().startswith("|"):
            yield line


def _is_table_rule(line: str) -> bool:
    return "|" in line and not line.strip("|:- \t") and "-" in line


def _is_code(line: str, before: str) -> bool:
    indented = ("    ", "\t")
    return line.startswith(indented) and (not before.strip() or before.startswith(indented))


def _unquoted(line: str) -> str:
    return _QUOTED.sub("", line)
