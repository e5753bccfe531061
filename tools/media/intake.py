"""Take pictures and clips into a job's folder: from one allowed folder only, never without rights.

A path is walked part by part without following links, so that nothing can be exchanged between
looking and opening.
"""

import hashlib
import os
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, ValidationError

from bookai.errors import OperatorNeeded, Refused
from bookai.film.material import Media
from bookai.models import Record
from tools.media import clips, pictures

FOLDER = "media"
MOST_MEDIA = 40
_PART = 1 << 20
_ENDINGS: Final = {"PNG": ".png", "JPEG": ".jpg", "WEBP": ".webp", "GIF": ".gif"}
_CLIPS: Final = {".mp4": ".mp4", ".m4v": ".mp4", ".mov": ".mov", ".webm": ".webm", ".mkv": ".mkv"}


class MediaConfig(Record):
    """The [plugins.media] table: `folder` is where the operator keeps pictures and clips."""

    folder: str = ""


class Offered(Record):
    """A picture or clip that somebody wants shown; `path` is within the allowed folder."""

    path: str = Field(min_length=1, max_length=1000)
    words: str = Field(default="", max_length=2000)
    licence: str = Field(default="", max_length=500)
    credit: str = Field(default="", max_length=500)
    origin: Literal["source", "operator"] = "operator"


def media_folder(config: Mapping[str, Any]) -> Path | None:
    """Return the allowed folder, or None where the operator named none.

    Raises:
        OperatorNeeded: the table has another key, or names no folder that is there.
    """
    try:
        named = MediaConfig.model_validate(dict(config.get("media", {}))).folder
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise OperatorNeeded(
            f"[plugins.media] {where}: {first['msg'].lower()}.", mend="Correct it in studio.toml."
        ) from error
    if not named:
        return None
    folder = Path(named).expanduser()
    if not folder.is_absolute() or not folder.is_dir():
        raise OperatorNeeded(
            f"[plugins.media] folder: {named!r} is no folder on this machine.",
            mend="Name an existing folder by its whole path in studio.toml.",
        )
    return folder.resolve()


def take_in(folder: Path, offered: Sequence[Offered], allowed: Path | None) -> tuple[Media, ...]:
    """Copy what is offered into `folder` (the job's own), in its order, and return its records.

    Files are named after their bytes: the same file twice is one file. `allowed` is what
    `media_folder` returned.

    Raises:
        Refused: a file has no licence, lies elsewhere, is no regular file, or cannot be shown.
        OperatorNeeded: no folder of media is set.
    """
    if len(offered) > MOST_MEDIA:
        raise Refused(f"{len(offered)} pictures and clips are offered (limit {MOST_MEDIA}).")
    for left in _place(folder).glob(".*"):
        left.unlink()  # what a killed run left half copied
    return tuple(_taken(folder, one, allowed) for one in offered)


def keep(folder: Path, content: bytes, name: str, offered: Offered) -> Media:
    """Put bytes that came over the gate into `folder`, as `take_in` does with a file.

    `name` ends like the file that it was (".jpg").

    Raises:
        Refused: there is no licence, or it cannot be shown.
    """
    _licensed(offered)
    sha256 = hashlib.sha256(content).hexdigest()
    part = _place(folder) / f".{sha256[:24]}{Path(name).suffix.lower()[:8]}"
    try:
        part.write_bytes(content)
        return _named(part, sha256, name, offered)
    finally:
        part.unlink(missing_ok=True)


def _taken(folder: Path, offered: Offered, allowed: Path | None) -> Media:
    _licensed(offered)
    if allowed is None:
        raise OperatorNeeded(
            f"{offered.path!r} cannot be used: no folder of pictures and clips is set.",
            mend='Set folder = "/path/to/media" under [plugins.media] in studio.toml.',
        )
    name = Path(offered.path).name
    place = _place(folder)
    descriptor = _inside(allowed, offered.path)
    there = _there(place, descriptor)
    if there is not None:
        os.close(descriptor)
        return _named(*there, name, offered)
    part = place / f".{os.getpid()}-{hashlib.sha256(offered.path.encode()).hexdigest()}"
    try:
        return _named(part, _copied(descriptor, part), name, offered)
    finally:
        part.unlink(missing_ok=True)


def _licensed(offered: Offered) -> None:
    if not offered.licence.strip():
        raise Refused(
            f"{offered.path!r} has no licence and is not shown: say under which one it may be"
            " used, such as 'CC BY 4.0' or 'own work'."
        )


def _place(folder: Path) -> Path:
    """Return the job's folder of media, made where it is missing; never a link."""
    place = folder / FOLDER
    place.mkdir(parents=True, exist_ok=True)
    if place.is_symlink():
        raise Refused(f"{str(place)!r} is a link: remove it.")
    return place


def _inside(allowed: Path, path: str) -> int:
    """Return an open descriptor of a regular file in `allowed`."""
    outside = f"{path!r} is not in the folder of pictures and clips: put a copy there."
    try:
        found = (allowed / path).resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        # Whether something is there is not told of places outside.
        raise Refused(f"{path!r} is not in the folder of pictures and clips.") from error
    if allowed not in found.parents:
        raise Refused(outside)
    parts = found.relative_to(allowed).parts
    opened = os.open(allowed, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for number, part in enumerate(parts):
            last = number == len(parts) - 1
            # A pipe would keep us waiting for its writer.
            flags = os.O_NONBLOCK if last else os.O_DIRECTORY
            following = os.open(
                part, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | flags, dir_fd=opened
            )
            os.close(opened)
            opened = following
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise Refused(f"{path!r} is no regular file: give a picture or a clip.")
    except OSError as error:
        os.close(opened)
        raise Refused(f"{path!r} cannot be read: {error.strerror}.") from error
    except Refused:
        os.close(opened)
        raise
    return opened


def _there(place: Path, descriptor: int) -> tuple[Path, str] | None:
    """Return the copy of an open file that the job has already, and its SHA-256."""
    size = os.fstat(descriptor).st_size
    alike = [
        path
        for path in sorted(place.glob("[0-9a-f]*"))
        if stat.S_ISREG(path.lstat().st_mode) and path.lstat().st_size == size
    ]
    if not alike:
        return None
    with os.fdopen(os.dup(descriptor), "rb") as source:
        sha256 = hashlib.file_digest(source, "sha256").hexdigest()
    os.lseek(descriptor, 0, os.SEEK_SET)  # both descriptors read on from one place
    for path in alike:
        if path.stem == sha256[:24]:
            with path.open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
                    return path, sha256
    return None


def _copied(descriptor: int, into: Path) -> str:
    """Copy an open file, at most as much as a clip may have, and return its SHA-256."""
    digest, copied = hashlib.sha256(), 0
    with os.fdopen(descriptor, "rb") as source, into.open("wb") as target:
        while part := source.read(_PART):
            copied += len(part)
            if copied > clips.LARGEST_BYTES:
                raise Refused(
                    f"A file has more than {clips.LARGEST_BYTES / 1e6:.0f} MB: cut or save it"
                    " smaller."
                )
            digest.update(part)
            target.write(part)
    return digest.hexdigest()


def _named(part: Path, sha256: str, name: str, offered: Offered) -> Media:
    """Look at what came, give it the name of its bytes, and return its record."""
    ending = _CLIPS.get(Path(name).suffix.lower(), "")
    kind: Literal["image", "clip"] = "clip" if ending else "image"
    try:
        if kind == "clip":
            clips.look_at_clip(part)
        else:
            ending = _ENDINGS.get(pictures.look_at_picture(part)[0], ".jpg")
    except Refused as error:
        # The file has our own name by now: tell the operator his.
        raise Refused(str(error).replace(repr(part.name), repr(name))) from error
    final = part.parent / f"{sha256[:24]}{ending}"
    with suppress(FileNotFoundError):
        if final.is_symlink():
            final.unlink()
    os.replace(part, final)
    return Media(
        kind=kind,
        path=str(final),
        sha256=sha256,
        words=offered.words,
        licence=offered.licence.strip(),
        credit=offered.credit.strip(),
        origin=offered.origin,
    )
