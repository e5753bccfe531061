"""The doctor's line about passports."""

import asyncio
from typing import Literal

from bookai.settings import Settings, check_settings
from studio.channels.findings import Finding, look_through


async def examine_passports(settings: Settings) -> tuple[Literal["ok", "note", "fail"], str]:
    """Read the file as it is now and say what is wrong with it, or that nothing is.

    Raises:
        WrongSettings: it cannot be read, or holds what is not understood; each with its line.
    """
    fresh, found = await asyncio.to_thread(_look, settings)
    failed = [one for one in found if one.level == "fail"]
    if failed:
        return "fail", "; ".join(str(one) for one in failed)
    if found:
        return "note", "; ".join(str(one) for one in found)
    return "ok", f"{len(fresh.channels)} in order: {', '.join(sorted(fresh.channels))}"


def _look(settings: Settings) -> tuple[Settings, tuple[Finding, ...]]:
    toml = settings.home / "studio.toml"
    if not toml.is_file():
        return settings, look_through(settings, "")
    text = toml.read_text(encoding="utf-8")
    fresh = check_settings(text, toml)
    return fresh, look_through(fresh, text)
