"""Keep the studio's machine out of what is handed to others: its folders name people and places."""

import re
import tempfile
from pathlib import Path
from typing import Any

from bookai.house import migrations_dir

_ELSEWHERE = "(a folder of the studio)"


class Machine:
    """The folders of this machine that may stand in records."""

    def __init__(self, home: Path, *sources: str) -> None:
        known = [
            home,
            Path.home(),
            Path.cwd(),
            migrations_dir().parent,
            Path(tempfile.gettempdir()),
        ]
        known += [Path(source).parent for source in sources if Path(source).is_absolute()]
        roots = sorted({str(path) for path in known if len(path.parts) > 1}, key=len, reverse=True)
        # Not inside an address on the web (example.org/tmp), nor as the beginning of another name.
        own = "|".join(re.escape(root) for root in roots)
        self._named = re.compile(rf"file:/|(?<![A-Za-z0-9._~%-])(?:{own})(?![A-Za-z0-9_-])")

    def is_named_in(self, text: str) -> bool:
        """Say whether `text` names a folder of this machine."""
        return self._named.search(text) is not None

    def without(self, value: Any) -> Any:
        """Return `value` with a path of this machine cut to the file's name, all else as it was."""
        match value:
            case str():
                return self._cut(value) if self.is_named_in(value) else value
            case dict():
                return {key: self.without(item) for key, item in value.items()}
            case list() | tuple():
                return [self.without(item) for item in value]
        return value

    def _cut(self, text: str) -> str:
        """Cut each word that names a folder; a path that stands alone may have blanks in it."""
        if self._named.match(text):
            return f"{_ELSEWHERE}/{text.rsplit('/', 1)[-1]}"
        words = text.split(" ")
        return " ".join(
            f"{_ELSEWHERE}/{word.rsplit('/', 1)[-1]}" if self.is_named_in(word) else word
            for word in words
        )
