"""Take secrets out of a log line: a library's error text may hold an address with its password."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import unquote

HIDDEN = "[hidden]"
WORDS = 3  # as many as a secret's name, its sign and itself
SHORTEST = 6
MAX_BYTES = 16_384
LONGEST = 8_192
"""Characters that are left of a text: whoever writes a line must not hold up the event loop."""

_NAMED = re.compile(r"(TOKEN|KEY|PASSWORD|PASSWD|SECRET|DSN|CREDENTIAL)")
_IN_ADDRESS = re.compile(r"(?<=://)([^\s/@:]*):([^\s/@]+)@")
_AUTHORIZATION = re.compile(r"\b(Bearer|Basic|DPoP)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE)
_PAIR = re.compile(
    # What stands before the name is not matched: to look for its begin would be quadratic.
    r"(?<![a-z0-9])((?:password|passwd|secret|token|api[_-]?key|signature)"
    r"[\"']?\s*[=:]\s*[\"']?)(?!\[hidden\])[^\s\"'&,;)}\]]{6,}",
    re.IGNORECASE,
)


class Scrubber:
    """Hides the given secrets, passwords in addresses, and what is written beside such names."""

    def __init__(self, secrets: Iterable[str]) -> None:
        # The longest first: one secret may be a part of another.
        known = sorted({one for one in secrets if len(one) >= SHORTEST}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Scrubber":
        """Know the secrets of this environment and of systemd's credentials folder."""
        return cls([*_from_variables(environment), *_from_credentials(environment)])

    def scrub(self, text: str) -> str:
        """Return the text without secrets; of a long one its begin and its end."""
        if self._known:
            text = self._known.sub(HIDDEN, text)
        text = _cut(text)
        text = _IN_ADDRESS.sub(rf"\1:{HIDDEN}@", text)
        text = _AUTHORIZATION.sub(rf"\1 {HIDDEN}", text)
        return _PAIR.sub(rf"\1{HIDDEN}", text)


def _cut(text: str) -> str:
    """Leave out the middle, and whole words of it: a part of a secret would not be known as one."""
    if len(text) <= LONGEST:
        return text
    half = LONGEST // 2
    begin, end = text[:half].rsplit(maxsplit=1), text[-half:].split(maxsplit=WORDS)
    kept = (begin[0] if len(begin) > 1 else "", end[WORDS] if len(end) > WORDS else "")
    return f"{kept[0]} [{len(text) - sum(map(len, kept))} characters left out] {kept[1]}".strip()


def _from_variables(environment: Mapping[str, str]) -> Iterable[str]:
    for name, value in environment.items():
        if not _NAMED.search(name.upper()):
            continue
        in_address = _IN_ADDRESS.search(value)
        if in_address:
            yield from {in_address[2], unquote(in_address[2])}
        elif not value.startswith("/"):  # the path of a file with a secret is none
            yield value


def _from_credentials(environment: Mapping[str, str]) -> Iterable[str]:
    folder = environment.get("CREDENTIALS_DIRECTORY")
    if not folder:
        return
    try:
        for path in Path(folder).iterdir():
            value = path.read_bytes()[:MAX_BYTES].decode(errors="replace").strip()
            yield from _from_variables({"SECRET": value})
    except OSError:
        return  # whoever needs it says so; here it only cannot be hidden
