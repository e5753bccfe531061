"""Keep the studio's machine out of what is handed to others: its folders name people and places."""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from bookai.house import migrations_dir

_ELSEWHERE = "(a folder of the studio)"
_URL = "file://"


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
        whole = {str(path) for path in known if len(path.parts) > 1}
        self._roots = sorted(whole, key=len, reverse=True)

    def is_named_in(self, text: str) -> bool:
        """Say whether `text` names a folder of this machine."""
        return _URL in text or any(root in text for root in self._roots)

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
        if " " not in text:
            return f"{_ELSEWHERE}/{text.rsplit('/', 1)[-1]}"
        return " ".join(
            self._cut(word) if self.is_named_in(word) else word for word in _words(text)
        )


def _words(text: str) -> Iterable[str]:
    return text.split(" ")
