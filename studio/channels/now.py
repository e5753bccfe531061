"""The channels of this moment: the operator's file is read again when it has changed."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bookai.channels import ChannelSettings
from bookai.errors import OperatorNeeded
from bookai.settings import Settings, read_settings

logger = logging.getLogger(__name__)

LIVE = ("channels", "sources", "approvals")
"""What a running studio takes from the file again when it has changed; the rest is of its start."""


class ChannelsNow:
    """The channels as `studio.toml` has them now: it is read again when it has changed.

    A studio that began without the file has the channels of its settings until there is one. Work
    under way goes by `kept`, which stays as it was while the file is broken; deciding and
    publishing go by `channel`, which then says no. As a collection it holds the names of the
    channels that are kept.
    """

    def __init__(self, settings: Settings) -> None:
        self._toml = settings.home / "studio.toml"
        self._had_file = self._toml.exists()
        self._found = settings
        self._seen: tuple[int, ...] | None = None
        self._problem = ""

    def now(self) -> Settings:
        """Return the settings with what `LIVE` names as it is at this moment.

        Raises:
            OperatorNeeded: the file is gone or not understood: what it said before counts no more.
        """
        seen = _stamp(self._toml)
        if seen is None and self._had_file:
            raise OperatorNeeded(f"{self._toml} is gone or cannot be read.", mend="Put it back.")
        if seen != self._seen:
            self._read_again(seen)
        if self._problem:
            raise OperatorNeeded(self._problem)
        return self._found

    def kept(self) -> Settings:
        """Return the settings of this moment, or the last that were understood."""
        with suppress(OperatorNeeded):
            self.now()
        return self._found

    def channel(self, name: str) -> ChannelSettings:
        """Return a channel's settings of this moment.

        Raises:
            OperatorNeeded: there is no such channel, or the file is gone or not understood.
        """
        return self.now().channel(name)

    def __contains__(self, name: object) -> bool:
        """Tell whether there is such a channel."""
        return name in self.kept().channels

    def __iter__(self) -> Iterator[str]:
        """Go over the channels' names."""
        return iter(self.kept().channels)

    def __len__(self) -> int:
        """Count the channels."""
        return len(self.kept().channels)

    def _read_again(self, seen: tuple[int, ...] | None) -> None:
        self._had_file, self._seen, self._problem = True, seen, ""
        try:
            fresh = read_settings({"BOOKAI_HOME": str(self._toml.parent)})
        except OperatorNeeded as error:
            self._problem = str(error)
            logger.error(  # noqa: TRY400  # the message says it all, with the lines
                "The channels stay as they were: %s", error, extra={"action": "settings_broken"}
            )
        else:
            self._found = self._found.model_copy(update={n: getattr(fresh, n) for n in LIVE})


def _stamp(path: Path) -> tuple[int, ...] | None:
    """Return what tells one version of a file from another; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino
