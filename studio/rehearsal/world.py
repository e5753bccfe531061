"""What a rehearsal begins with: channels, feeds, people, and all that will go wrong."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from random import Random
from typing import Any

from bookai.db.rehearsal import PLATFORM
from bookai.errors import OperatorNeeded
from bookai.settings import Settings
from studio.rehearsal.peers.loopback import Answer
from studio.rehearsal.peers.press import Paper, Trouble, recorded
from studio.rehearsal.peers.video import Fault
from studio.rehearsal.people import Operator

# A Monday. On the Sunday after, clocks in Europe are put forward.
START = datetime(2026, 3, 23, tzinfo=UTC)
TOKEN_ENDS_H = 60
TOKEN_FILE = "simulated.token"
APPROVAL_H = 40.0
A_DAY_S = 86_400
OPERATOR, SIMULATED = "operator:", "simulated-"

PAPERS = ("everyday_science", "makers_bench", "slow_paths", "low_sky")
CHANNELS: Mapping[str, Mapping[str, Any]] = {
    "everyday": {
        "time_zone": "Europe/Berlin",
        "niches": ["everyday science"],
        "cadence": {"times": ["17:30"], "lead_hours": 10},
        "approvers": ["operator:simulated-ann"],
    },
    "makers": {
        "time_zone": "Africa/Lagos",
        "niches": ["making things"],
        "cadence": {
            "times": ["08:00", "09:00", "10:00", "11:30"],
            "days": ["mon", "wed", "fri"],
            "approvals_per_day": 6,
            "lead_hours": 6,
        },
        "autonomy": {"after": 3, "per_day": 1},
    },
    "paths": {
        "time_zone": "Asia/Kathmandu",
        "niches": ["walking"],
        "cadence": {
            "times": ["19:15"],
            "days": ["mon", "wed", "fri", "sun"],
            "lead_hours": 16,
        },
        "approvers": ["operator:simulated-chandra"],
    },
    "sky": {
        "time_zone": "Europe/Berlin",
        "niches": ["the night sky"],
        "standing": "private_only",
        "cadence": {"times": ["20:00"], "days": ["tue", "thu", "sat"], "lead_hours": 20},
        "approvers": ["operator:simulated-ann"],
    },
}
FEED_OF = dict(zip(CHANNELS, PAPERS, strict=True))
OPERATORS = (
    Operator(
        name="ann",
        channels=frozenset({"everyday", "sky"}),
        zone="Europe/Berlin",
        begins=time(7, 30),
        ends=time(22, 0),
        looks_min=45,
        waits=timedelta(),
        rejects=0.12,
        edits=0.2,
        mends=True,
    ),
    Operator(
        name="ben",
        channels=frozenset({"makers"}),
        zone="Africa/Lagos",
        begins=time(7, 0),
        ends=time(18, 0),
        looks_min=60,
        waits=timedelta(hours=2),
        rejects=0.0,
        edits=0.0,
        grants=True,
    ),
    Operator(
        name="chandra",
        channels=frozenset({"paths"}),
        zone="Asia/Kathmandu",
        begins=time(6, 0),
        ends=time(21, 0),
        looks_min=90,
        waits=timedelta(),
        rejects=0.0,
        edits=0.0,
        days=frozenset({0, 1, 5, 6}),
    ),
)
WARNS = {"simulated-makers": 4}
"""At which of its posts the platform warns an account: here the first that a rule allowed."""

SUCH_FAULTS: tuple[Fault, ...] = ("busy", "lost answer", "rejected", "late index", "busy")


@dataclass(frozen=True, slots=True)
class World:
    """A rehearsal before it begins."""

    start: datetime
    papers: Sequence[Paper]
    channels: Mapping[str, Mapping[str, Any]]
    feed_of: Mapping[str, str]
    operators: Sequence[Operator]
    troubles: Sequence[Trouble]
    faults: Sequence[Fault]
    token_ends_at: datetime
    warns: Mapping[str, int]

    def settings(self, home: Path, press: str, host: str, dsns: Mapping[str, str]) -> Settings:
        """Return the studio's settings in this world; nothing of the environment is in them.

        `press` and `host` are the peers' addresses on loopback.
        """
        values: dict[str, Any] = {
            "home": home,
            "metrics_port": 0,
            "approval_hours": APPROVAL_H,
            "allow_private": [press, host],
            # Nobody is asked: the built-in writer writes. Nothing listens on the discard port.
            "ollama": {"host": "http://127.0.0.1:9"},
            "models": {kind: [] for kind in _KINDS},
            "loop": _LOOP,
            # How full this machine is says nothing about the week.
            "disk": {"pause_gib": 0.05, "go_gib": 0.05},
            # Whether a slot was lost is counted at the end, over all of them.
            "retention": {"ticks_days": None},
            "channels": self.channels,
            "sources": [
                {
                    "url": f"http://{press}/{self.feed_of[name]}.xml",
                    "channel": name,
                    "niche": next(iter(passport.get("niches", ())), None),
                    "every_s": A_DAY_S,
                }
                for name, passport in self.channels.items()
            ],
            "plugins": {
                PLATFORM: {"address": host, "token_file": TOKEN_FILE},
                "render_video": {"width": 360, "height": 640, "fps": 10},
                "check_video": {"width": 360, "height": 640},
            },
            **dsns,
        }
        return Settings.model_validate(values)


_KINDS = ("creative", "technical", "short_copy", "translation", "judge")
# The loop looks more seldom than it would: most looks find nothing, and each takes real time.
_LOOP = {
    "plan_every_s": 3600,
    "ladder_every_s": 3600,
    "outbox_every_s": 14_400,
    "stats_every_s": 7200,
    "links_every_s": A_DAY_S,
    "forecasts_every_s": 14_400,
    "prune_every_s": 14_400,
    "disk_every_s": 3600,
    "at_once": 1,
}


def make_world(seed: int, channels: Mapping[str, Mapping[str, Any]] | None = None) -> World:
    """Return the world of a seed; with `channels`, passports of an operator's own in it."""
    rng = Random(f"{seed}:faults")
    first, *others = SUCH_FAULTS
    rng.shuffle(others)
    # In between some posts meet nothing, so that it is not the order that helps them.
    faults = [first, *(fault for one in others for fault in (one, ""))]
    told = {name: dict(one) for name, one in (channels or CHANNELS).items()}
    for name, passport in told.items():
        passport |= {"platform": PLATFORM, "account": f"simulated-{name}", "brand": "SIMULATED"}
        passport["visibility"] = "private" if passport.get("standing") == "private_only" else None
        passport.pop("credentials", None)
        if approvers := passport.get("approvers"):
            names = (str(one).removeprefix(OPERATOR).removeprefix(SIMULATED) for one in approvers)
            passport["approvers"] = [f"{OPERATOR}{SIMULATED}{one}" for one in names]
    feed_of = {
        name: FEED_OF.get(name, PAPERS[number % len(PAPERS)]) for number, name in enumerate(told)
    }
    return World(
        start=START,
        papers=tuple(recorded(name) for name in sorted(set(feed_of.values()))),
        channels=told,
        feed_of=feed_of,
        operators=OPERATORS if channels is None else _operators_of(told),
        troubles=_troubles(sorted(set(feed_of.values()))),
        faults=faults,
        token_ends_at=START + timedelta(hours=TOKEN_ENDS_H),
        warns=WARNS if channels is None else {},
    )


def read_channels(path: Path) -> Mapping[str, Mapping[str, Any]]:
    """Return the passports of a `studio.toml`; nothing else of it is used.

    Raises:
        OperatorNeeded: it cannot be read, or has none.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8")).get("channels", {})
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OperatorNeeded(f"{path} cannot be read: {error}.", mend="Correct it.") from error
    if not isinstance(found, dict) or not found:
        raise OperatorNeeded(f"{path} has no [channels.NAME].", mend="Add one.")
    return found


def _operators_of(channels: Mapping[str, Mapping[str, Any]]) -> tuple[Operator, ...]:
    """Return one operator for each name that decides there; ann where a channel names nobody."""
    ann = OPERATORS[0]
    names: dict[str, set[str]] = {}
    for name, passport in channels.items():
        for approver in passport.get("approvers") or [f"{OPERATOR}{SIMULATED}{ann.name}"]:
            names.setdefault(approver.removeprefix(OPERATOR + SIMULATED), set()).add(name)
    return tuple(
        Operator(
            name=name,
            channels=frozenset(where),
            zone=ann.zone,
            begins=ann.begins,
            ends=ann.ends,
            looks_min=ann.looks_min,
            waits=timedelta(),
            rejects=ann.rejects,
            edits=ann.edits,
            mends=number == 0,
            grants=True,
        )
        for number, (name, where) in enumerate(sorted(names.items()))
    )


def _troubles(feeds: Sequence[str]) -> tuple[Trouble, ...]:
    first, last = feeds[0], feeds[-1]
    busy = Answer(429, b"slow down", "text/plain", {"Retry-After": "600"})
    broken = Answer(200, b"<rss><channel><title>cut in the mid", "application/rss+xml")
    return (
        Trouble(first, 5, 9, busy, f"the feed {first!r} asked for patience (429)"),
        Trouble(last, 26, 34, Answer(503), f"the feed {last!r} was down (503)"),
        Trouble(last, 98, 104, broken, f"the feed {last!r} sent half a document"),
    )
