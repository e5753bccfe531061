"""On which line of a TOML file each key and each item of an array stands.

The standard library reads TOML but forgets where it read it. This walks once over a text that it
has accepted already, so it only has to know where strings, arrays and tables end.
"""

import tomllib
from bisect import bisect_right
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]
"""Keys and positions in arrays, as in `("channels", "news", "cadence", "times", 1)`."""

_BARE_ENDS = ",]}\n#"
_TRIPLES = ('"""', "'''")


def lines_of(text: str) -> Mapping[KeyPath, int]:
    """Return the line, from 1, on which each key and each item begins; `text` is valid TOML."""
    return _Walk(text.replace("\r\n", "\n")).walk()


def sections_of(text: str) -> Mapping[KeyPath, int]:
    """Return the last line of each table that has a header, or of its last own key.

    `()` stands for the keys before the first header, if there are any.
    """
    walk = _Walk(text.replace("\r\n", "\n"))
    walk.walk()
    return walk.sections


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int | None:
    """Return the line of a key, or of the nearest table around it that stands in the file."""
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return None


class _Walk:
    """One walk over one text; `_at` is where it is, `sections` what it found of tables."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._ends = [place for place, char in enumerate(text) if char == "\n"]
        self._lines: dict[KeyPath, int] = {}
        self._counts: dict[KeyPath, int] = {}
        self.sections: dict[KeyPath, int] = {}

    def walk(self) -> Mapping[KeyPath, int]:
        """Walk to the end."""
        table: KeyPath = ()
        self._skip_blank()
        while self._at < len(self._text):
            if self._sees("[["):
                table = self._header("[[", "]]")
            elif self._sees("["):
                table = self._header("[", "]")
            else:
                self._pair(table)
            self.sections[table] = self._line()
            self._skip_blank()
        return self._lines

    def _header(self, opens: str, closes: str) -> KeyPath:
        line = self._line()
        self._at += len(opens)
        keys = self._keys()
        self._at += len(closes)
        path = self._within((), keys[:-1], line)
        if opens == "[[":
            path = (*path, keys[-1])
            self._note(path, line)
            number = self._counts.get(path, 0)
            self._counts[path] = number + 1
            path = (*path, number)
        else:
            path = self._within(path, keys[-1:], line)
        self._note(path, line)
        return path

    def _within(self, table: KeyPath, keys: list[str], line: int) -> KeyPath:
        """Follow keys from a table; an array of tables stands for the last of its tables."""
        for key in keys:
            table = (*table, key)
            self._note(table, line)
            if table in self._counts:
                table = (*table, self._counts[table] - 1)
        return table

    def _pair(self, table: KeyPath) -> None:
        line = self._line()
        path = self._within(table, self._keys(), line)
        self._at += 1  # the equals sign
        self._skip_spaces()
        self._value(path)

    def _keys(self) -> list[str]:
        """Read a dotted key, and the space around it."""
        keys = []
        while True:
            self._skip_spaces()
            begin = self._at
            if self._sees('"') or self._sees("'"):
                self._skip_string()
                keys.append(tomllib.loads(f"k = {self._text[begin : self._at]}")["k"])
            else:
                while self._char().isalnum() or self._char() in ("_", "-"):
                    self._at += 1
                keys.append(self._text[begin : self._at])
            self._skip_spaces()
            if not self._sees("."):
                return keys
            self._at += 1

    def _value(self, path: KeyPath) -> None:
        match self._char():
            case '"' | "'":
                self._skip_string()
            case "[":
                self._array(path)
            case "{":
                self._inline_table(path)
            case _:
                while self._char() and self._char() not in _BARE_ENDS:
                    self._at += 1

    def _array(self, path: KeyPath) -> None:
        self._at += 1
        self._skip_blank()
        number = 0
        while not self._sees("]"):
            self._note((*path, number), self._line())
            self._value((*path, number))
            number += 1
            self._skip_separator()
        self._at += 1

    def _inline_table(self, path: KeyPath) -> None:
        self._at += 1
        self._skip_blank()
        while not self._sees("}"):
            self._pair(path)
            self._skip_separator()
        self._at += 1

    def _skip_separator(self) -> None:
        self._skip_blank()
        if self._sees(","):
            self._at += 1
            self._skip_blank()

    def _skip_string(self) -> None:
        quote = next((three for three in _TRIPLES if self._sees(three)), self._char())
        self._at += len(quote)
        while not self._sees(quote):
            # In a literal string a backslash is a character like any other.
            self._at += 2 if quote[0] == '"' and self._char() == "\\" else 1
        self._at += len(quote)
        # Up to two quotes more may belong to the end of a string in three.
        while len(quote) == 3 and self._sees(quote[0]):
            self._at += 1

    def _skip_spaces(self) -> None:
        while self._char() in (" ", "\t"):
            self._at += 1

    def _skip_blank(self) -> None:
        """Skip space, ends of lines and comments."""
        while self._char() in (" ", "\t", "\n", "#"):
            if self._char() == "#":
                end = self._text.find("\n", self._at)
                self._at = len(self._text) if end < 0 else end
            else:
                self._at += 1

    def _sees(self, what: str) -> bool:
        return self._text.startswith(what, self._at)

    def _char(self) -> str:
        return self._text[self._at : self._at + 1]

    def _line(self) -> int:
        return bisect_right(self._ends, self._at - 1) + 1

    def _note(self, path: KeyPath, line: int) -> None:
        self._lines.setdefault(path, line)
