"""Turn every sentence of a script into a shot: what stands on the screen while it is spoken."""

from collections.abc import Mapping, Sequence

from bookai.errors import Refused
from bookai.film.material import Material
from bookai.film.shots import Candidate, ShotKind, ShotRow
from bookai.models import Script
from tools.render.shots.choice import Chooser, by_score, media_of
from tools.render.shots.finders.bars import find_bars
from tools.render.shots.finders.charts import find_charts
from tools.render.shots.finders.definitions import find_definitions
from tools.render.shots.finders.lists import find_lists
from tools.render.shots.finders.media import find_media
from tools.render.shots.finders.numbers import find_numbers
from tools.render.shots.finders.phrases import find_phrases
from tools.render.shots.finders.places import find_places
from tools.render.shots.finders.quotes import find_quotes
from tools.render.shots.finders.timelines import find_timelines
from tools.render.shots.finders.titles import find_titles
from tools.render.shots.keeping import keep
from tools.render.shots.told import Finder, Told, read

# The order decides between equal scores.
FINDERS: tuple[Finder, ...] = (
    find_titles,
    find_media,
    find_quotes,
    find_charts,
    find_bars,
    find_timelines,
    find_lists,
    find_definitions,
    find_numbers,
    find_places,
    find_phrases,
)
RUNNERS_UP = 2


def compile_shots(
    script: Script, material: Material, swaps: Mapping[int, ShotKind]
) -> tuple[ShotRow, ...]:
    """Return one row a line of the script, in order: its shot, and the best that were not taken.

    `swaps` says for lines (from 0) which kind the operator wants instead: such a row changes,
    and no other one. The same input gives the same rows.

    Raises:
        Refused: a swap names a line that is not there, or a kind that its sentence cannot show.
    """
    heard = read(script, material)
    found = tuple(candidates(told) for told in heard)
    chooser = Chooser(found)
    chosen = [chooser.choose(line) for line in range(len(found))]
    for line, kind in sorted(swaps.items()):
        _check_swap(line, kind, found)
        chosen[line] = chooser.swap(line, kind, chosen)
    return tuple(
        _row(told, line.text, candidate, found[told.number], swapped=told.number in swaps)
        for told, line, candidate in zip(heard, script.lines, chosen, strict=True)
    )


def candidates(told: Told) -> tuple[Candidate, ...]:
    """Return everything that a line could show, best first."""
    return keep(told, by_score(candidate for finder in FINDERS for candidate in finder(told)))


def _check_swap(line: int, kind: ShotKind, found: Sequence[tuple[Candidate, ...]]) -> None:
    if not 0 <= line < len(found):
        raise Refused(
            f"There is no line {line} to show otherwise: the script has lines 0 to"
            f" {len(found) - 1}."
        )
    kinds = tuple(dict.fromkeys(candidate.shot.kind for candidate in found[line]))
    if kind not in kinds:
        raise Refused(
            f"Line {line} has nothing to show as {kind!r}; it can be: {', '.join(kinds)}."
        )


def _row(
    told: Told, sentence: str, chosen: Candidate, found: Sequence[Candidate], *, swapped: bool
) -> ShotRow:
    others: dict[str, Candidate] = {}
    for candidate in found:
        if candidate.shot.kind != chosen.shot.kind:
            others.setdefault(candidate.shot.kind, candidate)
    runners_up = tuple(others.values())[:RUNNERS_UP]
    row = ShotRow(
        line=told.number, sentence=sentence, chosen=chosen, runners_up=runners_up, swapped=swapped
    )
    number = media_of(chosen)
    if number is None:
        return row
    media = told.material.media[number]
    return row.model_copy(update={"licence": media.licence, "credit": media.credit})
