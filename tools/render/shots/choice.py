"""Choose among a sentence's candidates: the best one, but never a film of one kind of picture."""

from collections.abc import Iterable, Sequence

from bookai.film.shots import Candidate, ClipShot, ImageShot, NumberShot, ShotKind
from tools.render.shots.finders.media import ONLY_BY_WISH

THIRD_RUNNING = 2.0  # more than any score: only where there is nothing else
SHOWN_BEFORE = 1.0
MEDIA_AGAIN = 0.6
AFTER_THE_SAME = 0.06
PART_SHOWN = 0.12
NO_CHOICE = 5.0


def by_score(found: Iterable[Candidate]) -> tuple[Candidate, ...]:
    """Return candidates best first; of equal ones the first stays first."""
    return tuple(sorted(found, key=lambda candidate: -candidate.score))


def media_of(candidate: Candidate) -> int | None:
    """Return the number of the picture or clip that a candidate shows, or None."""
    shot = candidate.shot
    return shot.media if isinstance(shot, ImageShot | ClipShot) else None


def words_of(candidate: Candidate) -> str:
    """Return what is read on a card, in lower case: it is not shown twice."""
    shot = candidate.shot
    match shot.kind:
        case "title":
            return shot.title.lower()
        case "phrase" | "quote":
            return shot.text.lower()
        case "number":
            return _figure(shot)
        case "definition":
            return f"{shot.term} {shot.meaning}".lower()  # says more than the term alone
        case "place":
            return f"{shot.place} {shot.detail}".strip().lower()
        case "chart":
            return " ".join(point.shown for point in shot.points).lower()
        case "bars":
            return " ".join(bar.shown for bar in shot.bars).lower()
        case _:
            return ""


def _name_of(candidate: Candidate) -> str:
    """Return the name that a card tells about, in lower case: no card shows it alone later."""
    shot = candidate.shot
    match shot.kind:
        case "definition":
            return shot.term.lower()
        case "place":
            return shot.place.lower()
        case _:
            return ""


def _figure(shot: NumberShot) -> str:
    return f"{shot.value} {shot.unit} {shot.label}".lower()


class Chooser:
    """Chooses line by line; `found` are every line's candidates, best first."""

    def __init__(self, found: Sequence[tuple[Candidate, ...]]) -> None:
        self._found = found
        self._kinds: list[ShotKind] = []
        self._shown: list[str] = []
        self._media: set[int] = set()
        self._named: set[str] = set()

    def choose(self, line: int) -> Candidate:
        """Return the candidate for the next line, and remember it."""
        found = self._found[line]
        best = max(found, key=lambda candidate: self._worth(line, candidate))
        first = found[0]
        if first.shot.kind != best.shot.kind:
            best = best.model_copy(update={"why": f"{best.why}; {self._lost(first)}"})
        self._kinds.append(best.shot.kind)
        self._shown.append(words_of(best))
        self._named.add(_name_of(best))
        number = media_of(best)
        if number is not None:
            self._media.add(number)
        return best

    def swap(self, line: int, kind: ShotKind, chosen: Sequence[Candidate]) -> Candidate:
        """Return a line's best candidate of a kind, one that no other line shows if there is."""
        others = [one for number, one in enumerate(chosen) if number != line]
        shown = {words_of(one) for one in others} - {""}
        media = {media_of(one) for one in others} - {None}
        fitting = [one for one in self._found[line] if one.shot.kind == kind]
        new = [one for one in fitting if words_of(one) not in shown and media_of(one) not in media]
        best = (new or fitting)[0]
        return best.model_copy(update={"why": f"{best.why}; the operator's wish"})

    def _worth(self, line: int, candidate: Candidate) -> float:
        """Return a candidate's score less what speaks against showing it here."""
        kind, words = candidate.shot.kind, words_of(candidate)
        worth = candidate.score
        if self._kinds[-2:] == [kind, kind]:
            worth -= THIRD_RUNNING
        elif self._kinds[-1:] == [kind]:
            worth -= AFTER_THE_SAME
        named = kind == "phrase" and words in self._named
        if named or (words and words in self._shown):
            worth -= SHOWN_BEFORE
        elif kind == "phrase" and any(words in shown or shown in words for shown in self._read()):
            worth -= PART_SHOWN
        number = media_of(candidate)
        if number is not None and candidate.score <= ONLY_BY_WISH:
            worth -= NO_CHOICE
        if number is not None and (number in self._media or self._awaited(number, line, candidate)):
            worth -= MEDIA_AGAIN
        return worth

    def _read(self) -> list[str]:
        return [shown for shown in self._shown[1:] if shown]

    def _awaited(self, number: int, line: int, candidate: Candidate) -> bool:
        """Tell whether a later line fits a picture or clip better."""
        return any(
            media_of(later) == number and later.score > candidate.score
            for found in self._found[line + 1 :]
            for later in found
        )

    def _lost(self, first: Candidate) -> str:
        """Say why the best scored candidate is not shown."""
        kind = first.shot.kind
        if self._kinds[-1:] == [kind]:
            return f"a {kind} was shown just before"
        return f"its {kind} is shown elsewhere"
