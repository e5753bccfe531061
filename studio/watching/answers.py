"""What a process answers to `/metrics`, `/healthz`, `/readyz` and `/sd`; from any thread."""

import asyncio
import json
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError
from dataclasses import dataclass
from http import HTTPStatus

from prometheus_client import REGISTRY
from prometheus_client.exposition import choose_encoder

from bookai.metrics import EVENT_LOOP_LAG, READY
from studio.watching.health import LOOK_S, Health, Heart

JSON = "application/json"
GRACE_S = 1.0

Targets = Callable[[], list[Mapping[str, object]] | None]
"""The processes that can be scraped on this machine; None while nobody can say."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer over HTTP."""

    status: HTTPStatus
    type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Answers:
    """What one process answers; `loop` is the event loop that it works in."""

    health: Health
    heart: Heart
    loop: asyncio.AbstractEventLoop
    targets: Targets

    def get(self, path: str, accept: str) -> Answer:
        """Answer one request."""
        match path:
            case "/metrics":
                return self._metrics(accept)
            case "/healthz":
                return self._alive()
            case "/readyz":
                return self._ready()
            case "/sd":
                return self._discovery()
            case "/":
                text = "bookai: /metrics, /healthz, /readyz, /sd\n"
                return Answer(HTTPStatus.OK, "text/plain; charset=utf-8", text.encode())
            case _:
                return Answer(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"not found\n")

    def _metrics(self, accept: str) -> Answer:
        if silent_s := self.heart.silent_s():
            EVENT_LOOP_LAG.set(silent_s)
        if self.heart.hangs:
            READY.set(0)
        encode, kind = choose_encoder(accept)
        return Answer(HTTPStatus.OK, kind, encode(REGISTRY))

    def _alive(self) -> Answer:
        late_s = max(self.heart.lag_s, self.heart.silent_s())
        return _said(
            not self.heart.hangs, {"alive": not self.heart.hangs, "lag_s": round(late_s, 3)}
        )

    def _ready(self) -> Answer:
        found = self._look()
        wrong = {name: reason for name, reason in found.items() if reason}
        if wrong:
            READY.set(0)
        well = sorted(name for name, reason in found.items() if not reason)
        return _said(not wrong, {"ready": not wrong, "wrong": wrong, "well": well})

    def _look(self) -> Mapping[str, str | None]:
        late = {"event loop": f"it has not run for {self.heart.silent_s():.1f} s"}
        if self.heart.hangs:
            return late
        looking = self.health.look()
        try:
            asked = asyncio.run_coroutine_threadsafe(looking, self.loop)
        except RuntimeError:  # it is closed
            looking.close()
            return {"event loop": "it has ended"}
        try:
            return {"event loop": None, **asked.result(LOOK_S + GRACE_S)}
        except TimeoutError:
            asked.cancel()
            return {"event loop": f"it did not answer within {LOOK_S + GRACE_S:g} s"}
        except CancelledError:
            return {"event loop": "it is ending"}

    def _discovery(self) -> Answer:
        found = self.targets()
        if found is None:  # then Prometheus keeps those that it knows
            return _said(False, {"wrong": {"processes": "the database did not tell them yet"}})
        return Answer(HTTPStatus.OK, JSON, json.dumps(found).encode())


def _said(good: bool, body: Mapping[str, object]) -> Answer:
    status = HTTPStatus.OK if good else HTTPStatus.SERVICE_UNAVAILABLE
    return Answer(status, JSON, json.dumps(body, ensure_ascii=False).encode() + b"\n")
