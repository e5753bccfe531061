"""Bring together what a film may show: the job's own files, and what fits from the shelf.

The shelf is the folder of [plugins.media] with a file `media.toml`, which says of each picture and
clip what it shows and under which licence.
"""

import hashlib
import re
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from bookai.errors import OperatorNeeded, Refused
from bookai.film.material import Material, Media
from bookai.models import Record, Script
from bookai.text.words import stem
from tools.media.intake import MOST_MEDIA, Offered, media_folder, take_in
from tools.media.paths import inside, job_folder
from tools.render.shots.told import read

CATALOGUE = "media.toml"
LARGEST_CATALOGUE = 2_000_000
MOST_FROM_SHELF = 12
MOST_BYTES_FROM_SHELF = 200_000_000
SHORTEST_WORD = 3  # letters; signs of unspaced scripts count two by two
SHORTEST_UNKNOWN = 5  # in a language whose words without meaning are not known

_WORD = re.compile(r"[^\W\d_]+")


class Shelf(Record):
    """The operator's catalogue: entries as they were written, read only when they are chosen."""

    media: tuple[dict[str, Any], ...] = Field(default=(), max_length=5000)


def gather(
    work_dir: Path, job_id: int, config: Mapping[str, Any], script: Script, material: Material
) -> Material:
    """Return the material with its media checked, and with what fits the script from the shelf.

    Raises:
        Refused: a file lies outside of the job's folder, has changed, cannot be shown, has no
            licence, or is larger than everything that may come from the shelf.
        OperatorNeeded: the shelf or its catalogue is not as it must be.
    """
    own = tuple(_owned(work_dir, job_id, media) for media in material.media[:MOST_MEDIA])
    folder = media_folder(config)
    if folder is None:
        return material.model_copy(update={"media": own})
    fitting = _within(folder, choose(read_shelf(folder), script))
    taken = take_in(job_folder(work_dir, job_id), fitting, folder)
    known = {media.sha256 for media in own}
    fresh = tuple(media for media in taken if media.sha256 not in known)
    return material.model_copy(update={"media": (*own, *fresh)})


def read_shelf(folder: Path) -> Shelf:
    """Return the catalogue of a folder; without one nothing is on the shelf.

    Raises:
        OperatorNeeded: it cannot be read, or is no list of entries.
    """
    path = folder / CATALOGUE
    if not path.is_file():
        return Shelf()
    try:
        if path.stat().st_size > LARGEST_CATALOGUE:
            raise ValueError(f"over {LARGEST_CATALOGUE / 1e6:g} MB")
        return Shelf.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        raise OperatorNeeded(
            f"{str(path)!r}: {_first(error)}.", mend="Correct that entry."
        ) from error
    except (OSError, ValueError) as error:
        raise OperatorNeeded(
            f"{str(path)!r} cannot be read: {error}.", mend="Correct it, or remove it."
        ) from error


def choose(shelf: Shelf, script: Script) -> tuple[Offered, ...]:
    """Return what shares telling words with a script, most first.

    A word counts the less the more entries have it; equals stay in the catalogue's order.

    Raises:
        OperatorNeeded: an entry that fits is not as it must be.
    """
    told = read(script, Material())
    stop = told[0].words.stop if told else frozenset()
    said = terms(script.text, stop)
    shared = [said & terms(str(one.get("words", "")), stop) for one in shelf.media]
    common = Counter(word for words in shared for word in words)
    weights = [sum(1 / common[word] for word in sorted(words)) for words in shared]
    fitting = sorted((k for k, weight in enumerate(weights) if weight), key=lambda k: -weights[k])
    return tuple(_read(k, shelf.media[k]) for k in fitting[:MOST_FROM_SHELF])


def terms(text: str, stop: frozenset[str]) -> frozenset[str]:
    """Return the words that say what a text is about; pairs of signs where words have no spaces.

    `stop` are the language's words without meaning; where none are known, longer words count.
    """
    found = set()
    shortest = SHORTEST_WORD if stop else SHORTEST_UNKNOWN
    for word in _WORD.findall(text.casefold()):
        if word[0] >= "\u2e80" or "\u0e00" <= word[0] <= "\u0eff":
            found |= {word[k : k + 2] for k in range(len(word) - 1)} - stop
        elif len(word) >= shortest and word not in stop:
            found.add(stem(word))
    return frozenset(found)


def _read(number: int, entry: Mapping[str, Any]) -> Offered:
    try:
        return Offered.model_validate(entry)
    except ValidationError as error:
        raise OperatorNeeded(
            f"{CATALOGUE}: entry {number + 1} ({entry.get('path', 'without a path')!r}):"
            f" {_first(error)}.",
            mend="Correct that entry.",
        ) from error


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg'].lower()}"


def _within(folder: Path, fitting: Sequence[Offered]) -> tuple[Offered, ...]:
    """Return what may be copied: the best as long as all together stay within the limit."""
    kept: list[Offered] = []
    total = 0
    for one in fitting:
        try:
            size = (folder / one.path).stat().st_size
        except (OSError, ValueError):
            size = 0  # taking it in tells what is wrong
        if size > MOST_BYTES_FROM_SHELF:
            raise Refused(
                f"{one.path!r} has {size / 1e6:.0f} MB and the limit for all that comes from the"
                f" shelf is {MOST_BYTES_FROM_SHELF / 1e6:.0f} MB: cut it to what is to be shown."
            )
        if total + size <= MOST_BYTES_FROM_SHELF:
            kept.append(one)
            total += size
    return tuple(kept)


def _owned(work_dir: Path, job_id: int, media: Media) -> Media:
    """Return a record whose file is certain to be the job's own and the one that was meant."""
    path = inside(work_dir, job_id, media.path)
    if not path.is_file():
        raise Refused(f"{path.name!r} is not in the folder of job {job_id}: take it in again.")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != media.sha256:
        raise Refused(
            f"{path.name!r} is not the file that was taken in (SHA-256 {found[:12]}… instead of"
            f" {media.sha256[:12]}…): take it in again."
        )
    return media.model_copy(update={"path": str(path)})
