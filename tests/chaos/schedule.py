"""What goes wrong in one run: drawn from its seed alone, the same whenever it is drawn."""

import random
from dataclasses import dataclass
from typing import Literal

Role = Literal["worker-a", "worker-b", "some worker", "keeper", "operator", "server"]
Kind = Literal[
    "kill at an await",
    "kill at a seam",
    "kill at a file",
    "kill after a while",
    "freeze at an await",
    "freeze at a seam",
    "postgres restart",
    "postgres crash",
    "connection cut",
    "disk full",
    "slow disk",
    "clock jump",
    "duplicate entries",
    "late entries",
    "tool hangs",
    "answer lost",
    "child ignores SIGTERM",
    "parent dies first",
]
KINDS: tuple[Kind, ...] = Kind.__args__  # type: ignore[attr-defined]  # typing has no public word
Word = Literal["yes", "edited yes", "quarrel", "no", "silence"]
Ending = Literal["SIGTERM", "SIGKILL"]

# Places between two effects, where a death hurts most; the numbers of a kind are drawn evenly.
SEAMS = (
    *("desk.arm_post.before", "desk.arm_post.after"),
    *("desk.mark_sending.before", "desk.mark_sending.after", "desk.keep_sending.after"),
    *("place.send.before", "place.send.after"),
    *("desk.mark_posted.before", "desk.mark_posted.after"),
    *("place.find.before", "place.find.after"),
    *("desk.check_approved.after", "desk.make_link.after", "place.commit.after"),
)
WORKERS: tuple[Role, ...] = ("worker-a", "worker-b")
WORKER_OF: dict[Role, Role] = dict.fromkeys(WORKERS, "some worker")
PROCESSES: tuple[Role, ...] = (*WORKERS, "operator", "keeper")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong, once.

    `nth` counts resumptions, calls or files of the role's process; `after_ms` counts from the
    run's start; `much` is what the kind needs: seconds of a jump, milliseconds of a freeze.
    """

    kind: Kind
    role: Role
    nth: int = 0
    after_ms: int = 0
    seam: str = ""
    much: int = 0

    def __str__(self) -> str:
        where = f" {self.seam}" if self.seam else ""
        nth = f" no. {self.nth}" if self.nth else ""
        after = f" after {self.after_ms} ms" if self.after_ms else ""
        much = f" ({self.much})" if self.much else ""
        return f"{self.kind}: {self.role}{where}{nth}{after}{much}"


@dataclass(frozen=True, slots=True)
class Wish:
    """One video: where it shall go, what the operator will say, whether it carries an offer.

    In a quarrel two operators say yes and no at the same moment.
    """

    channel: str
    word: Word
    has_offer: bool


@dataclass(frozen=True, slots=True)
class Schedule:
    """One run: the cast, what is asked of it, and what goes wrong."""

    seed: int
    cast: tuple[Role, ...]
    wishes: tuple[Wish, ...]
    faults: tuple[Fault, ...]
    ending: Ending

    def lines(self) -> tuple[str, ...]:
        """Return the schedule in words."""
        return (
            f"seed {self.seed}: {', '.join(self.cast)}; ends by {self.ending}",
            *(f"  video for {w.channel}, operator says {w.word}" for w in self.wishes),
            *(f"  {fault}" for fault in self.faults),
        )


def draw(seed: int) -> Schedule:
    """Return the schedule of `seed`."""
    rng = random.Random(seed)
    cast: list[Role] = ["operator", "worker-a"]
    if rng.random() < 0.6:
        cast.append("worker-b")
    if rng.random() < 0.3:
        cast.append("keeper")
    wishes = tuple(_wish(rng) for _ in range(rng.choice((1, 1, 2, 2, 3))))
    # Each seed is sure of one kind in turn, so that any hundred seeds in a row meet them all.
    kinds = [KINDS[seed % len(KINDS)], *rng.choices(KINDS, k=rng.choice((0, 1, 1, 2, 3)))]
    faults = tuple(_fault(kind, cast, rng) for kind in kinds)
    return Schedule(seed, tuple(cast), wishes, faults, rng.choice(("SIGTERM", "SIGKILL")))


def _wish(rng: random.Random) -> Wish:
    words: tuple[Word, ...] = ("yes", "edited yes", "quarrel", "no", "silence")
    word = rng.choices(words, weights=(14, 2, 2, 1, 1))[0]
    return Wish(rng.choice(("gallery", "remote")), word, rng.random() < 0.5)


def _fault(kind: Kind, cast: list[Role], rng: random.Random) -> Fault:
    process = rng.choice([role for role in cast if role in PROCESSES])
    worker = rng.choice([role for role in cast if role in WORKERS])
    awaits = {"operator": 350, "keeper": 250}.get(process, 2200)
    match kind:
        case "kill at an await":
            return Fault(kind, process, nth=rng.randint(1, awaits))
        case "freeze at an await":
            return Fault(kind, worker, nth=rng.randint(150, 2200), much=rng.choice((150, 4000)))
        case "kill after a while":
            return Fault(kind, process, after_ms=rng.randint(20, 900))
        case "clock jump":
            seconds = rng.choice((-86_400, -3_600, 3_600, 4 * 86_400))
            return Fault(kind, process, nth=rng.randint(1, 12), much=seconds)
        case "kill at a file" | "disk full" | "slow disk":
            return _at_a_file(kind, worker, rng)
        case (
            "kill at a seam"
            | "freeze at a seam"
            | "tool hangs"
            | "answer lost"
            | "child ignores SIGTERM"
            | "parent dies first"
        ):
            return _at_a_seam(kind, rng)
        case _:
            # The world outside our processes: it moves by the clock.
            return Fault(kind, "server", after_ms=rng.randint(20, 900))


def _at_a_file(kind: Kind, worker: Role, rng: random.Random) -> Fault:
    nth = rng.randint(1, 60 if kind == "kill at a file" else 40)
    much = {"disk full": rng.randint(1, 12), "slow disk": rng.choice((3, 10))}
    return Fault(kind, worker, nth=nth, much=much.get(kind, 0))


def _at_a_seam(kind: Kind, rng: random.Random) -> Fault:
    """Return a fault that waits for whichever worker comes to the place first."""
    places = {
        "kill at a seam": SEAMS,
        "freeze at a seam": SEAMS,
        "tool hangs": ("place.send.before", "place.commit.after", "place.report.before"),
        "answer lost": ("place.commit.after",),
        "child ignores SIGTERM": ("child.encode",),
        "parent dies first": ("child.encode",),
    }
    nth = rng.choice((1, 1, 1, 2)) if places[kind] is SEAMS else 1
    much = 4000 if kind == "freeze at a seam" else 0
    return Fault(kind, "some worker", nth=nth, seam=rng.choice(places[kind]), much=much)
