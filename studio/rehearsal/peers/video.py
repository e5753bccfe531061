"""A video platform on loopback that does, in a planned order, whatever platforms do wrong."""

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Literal
from urllib.parse import unquote

from studio.rehearsal.peers.loopback import CUT, Answer, Asked, Peer

Fault = Literal["", "busy", "lost answer", "late index", "rejected"]
"""What happens to a new post: nothing, 429, the answer is lost, the index is behind as well, no."""

NOBODY: Mapping[str, int] = {}
BUSY_S = 900
RAMP_H = 36.0


@dataclass(slots=True)
class Out:
    """A post that is out, and whether the platform's own search knows it by now."""

    number: int
    key: str
    account: str
    title: str
    at: datetime
    views_in_the_end: int
    indexed: bool = True


@dataclass(frozen=True, slots=True)
class Met:
    """A fault that was met, when, and by which post; `reading` when only its views were asked."""

    at: datetime
    fault: str
    key: str
    reading: bool = False


@dataclass(frozen=True, slots=True)
class Warned:
    """That the platform warned an account, when, and over which post."""

    at: datetime
    account: str
    title: str


class VideoHost(Peer):
    """Takes posts by an idempotency key, for whoever has the token of the day.

    `faults` go to the first posts that are tried, one each; the token ends at `expires_at`, until
    somebody renews it. `warns` says at which of its posts an account is warned, once.
    """

    def __init__(  # one platform: its time, what goes wrong there, its chance
        self,
        clock: Callable[[], datetime],
        faults: Sequence[Fault],
        expires_at: datetime,
        rng: Random,
        warns: Mapping[str, int] = NOBODY,
    ) -> None:
        self._clock = clock
        self._faults = list(faults)
        self._expires_at: datetime | None = expires_at
        self._rng = rng
        self._warns = warns
        self._planned: dict[str, Fault] = {}
        self._busy: set[str] = set()
        self._tried: Counter[str] = Counter()
        self.out: dict[str, Out] = {}
        self.sends = 0
        self.refused_twice = 0
        self.met: list[Met] = []
        self.warned: list[Warned] = []
        self.renewed = 0

    @property
    def token(self) -> str:
        """What is asked for now."""
        return f"token-{self.renewed + 1}"

    @property
    def is_expired(self) -> bool:
        """Tell whether nobody is let in before an operator renews the token."""
        return self._expires_at is not None and self._clock() >= self._expires_at

    def renew(self) -> str:
        """Give a new token that does not end during the rehearsal; return it."""
        self._expires_at = None
        self.renewed += 1
        return self.token

    def views_of(self, number: str) -> int | None:
        """Return how often a post was seen by now; None when there is no such post."""
        for post in self.out.values():
            if str(post.number) == number:
                age_h = (self._clock() - post.at) / timedelta(hours=1)
                return round(post.views_in_the_end * (1 - math.exp(-age_h / RAMP_H)))
        return None

    def answer(self, asked: Asked) -> Answer:
        """Answer like a platform, on a good day or a bad one."""
        parts = asked.path.strip("/").split("/")
        if self.is_expired or asked.headers.get("authorization") != f"Bearer {self.token}":
            self._meet("expired token", self._key_of(asked, parts), reading=parts[0] == "views")
            return Answer.of(401, error="the token has expired")
        match asked.method, parts:
            case "POST", ["posts"]:
                return self._take(asked)
            case "GET", ["posts", key]:
                post = self.out.get(key)
                return _receipt(200, post) if post and post.indexed else Answer.of(404)
            case "GET", ["views", number]:
                views = self.views_of(number)
                return Answer.of(404) if views is None else Answer.of(200, views=views)
        return Answer.of(404, error="there is nothing here")

    def _take(self, asked: Asked) -> Answer:
        self.sends += 1
        said = json.loads(unquote(asked.headers["post"]))
        key, account, title = (str(said[name]) for name in ("key", "account", "title"))
        if (post := self.out.get(key)) is not None:
            self.refused_twice += 1
            post.indexed = True
            self._meet("duplicate", key)
            return _receipt(409, post)
        if key not in self._planned:
            self._planned[key] = self._faults.pop(0) if self._faults else ""
            self._warn(account, title)
        fault = self._planned[key]
        if fault == "busy" and key not in self._busy:
            self._busy.add(key)
            self._meet("busy", key)
            return Answer(429, b'{"error": "slow down"}', headers={"Retry-After": str(BUSY_S)})
        if fault == "rejected":
            self._meet("rejected", key)
            return Answer.of(403, error="our review did not accept this video")
        post = self._publish(key, account, title)
        if fault in ("lost answer", "late index"):
            post.indexed = fault == "lost answer"
            self._meet(fault, key)
            return CUT
        return _receipt(201, post)

    def _publish(self, key: str, account: str, title: str) -> Out:
        views = round(self._rng.lognormvariate(6.0, 0.9))
        post = Out(len(self.out) + 1, key, account, title, self._clock(), views)
        self.out[key] = post
        return post

    def _warn(self, account: str, title: str) -> None:
        self._tried[account] += 1
        if self._tried[account] == self._warns.get(account):
            self.warned.append(Warned(self._clock(), account, title))

    def _meet(self, fault: str, key: str, *, reading: bool = False) -> None:
        self.met.append(Met(self._clock(), fault, key, reading))

    def _key_of(self, asked: Asked, parts: Sequence[str]) -> str:
        """Return the key of the post that is asked about; "" where there is none."""
        if asked.method == "POST":
            return str(json.loads(unquote(asked.headers["post"]))["key"])
        if parts[0] == "views":
            return next((key for key, one in self.out.items() if str(one.number) == parts[-1]), "")
        return parts[-1]


def _receipt(status: int, post: Out) -> Answer:
    return Answer.of(status, id=str(post.number), account=post.account)
