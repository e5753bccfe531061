"""What model servers over HTTP say when they do not answer, and what the pool should make of it.

Servers agree on no form: an error is an object, a bare string, a field called `detail`, a page of a
proxy in between, or an event in the middle of a stream that began with 200.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from bookai.llm.base import CallFailed, Model, Server

MAX_SAID = 200
MAX_AFTER_S = 3600.0

# llama.cpp, vLLM, OpenAI, Anthropic and LM Studio each say it in words of their own.
_CONTEXT = re.compile(
    r"exceed_context_size|context_length_exceeded|maximum context|context (?:length|size|window)"
    r"|prompt is too long|input is too long|too many tokens|max_model_len|reduce the length",
    re.IGNORECASE,
)
# llama.cpp says so in the middle of a stream, as an error of its own with 500: it is the model's.
_NONSENSE = re.compile(r"model produced output|does not match the expected", re.IGNORECASE)
_BUSY_TYPES = {"overloaded_error", "rate_limit_error", "unavailable_error"}
_NO_MONEY = {"insufficient_quota", "billing_error", "billing_hard_limit_reached"}


@dataclass(frozen=True, slots=True)
class Complaint:
    """A server's error: what it says, and the names that it gives to it."""

    said: str
    names: frozenset[str] = frozenset()

    @property
    def about_context(self) -> bool:
        """Whether the prompt did not fit."""
        return bool(_CONTEXT.search(f"{self.said} {' '.join(self.names)}"))


def read_complaint(body: bytes) -> Complaint:
    """Read an error's body, whatever its form."""
    try:
        found = json.loads(body)
    except ValueError:
        text = body[:2000].decode(errors="replace").lstrip()
        is_page = text[:1] == "<"
        return Complaint("a web page instead of JSON" if is_page else _short(text) or "nothing")
    return complaint(found)


def complaint(found: object) -> Complaint:
    """Read an error's JSON, whatever its form."""
    inner: object = found
    if isinstance(found, Mapping):
        inner = found.get("error") or found.get("detail") or found
    if not isinstance(inner, Mapping):
        return Complaint(_short(str(inner)))
    said = inner.get("message") or inner.get("error") or inner.get("detail") or dict(inner)
    names = {str(inner[key]) for key in ("type", "code", "param") if inner.get(key) is not None}
    return Complaint(_short(str(said)), frozenset(names))


def refusal_of(
    server: Server, model: Model | None, response: httpx.Response, found: Complaint
) -> CallFailed:
    """Return the error for an answer whose status is not 200."""
    status = response.status_code
    where = f"{server.name} ({server.url})"
    if status in (401, 403):
        return _closed(server, status)
    if found.about_context or status == 413:
        return CallFailed(
            f"the request does not fit {_called(model)} at {where}: {found.said}",
            outcome="client",
            kind="context",
            retry=False,
            next_model=True,
        )
    if found.names & _NO_MONEY or status == 402:
        return CallFailed(
            f"{where} takes no calls: the account has no money left there ({found.said})",
            outcome="client",
            kind="http_4xx",
        )
    if status in (429, 503, 529):
        return busy(server, found, after_s(response.headers))
    if status >= 500 or status == 408:
        return CallFailed(
            f"{where} failed with {status}: {found.said}",
            outcome="infra",
            kind="http_5xx",
        )
    return _refused(server, model, status, found)


def _refused(server: Server, model: Model | None, status: int, found: Complaint) -> CallFailed:
    where = f"{server.name} ({server.url})"
    if status == 404:
        what = f"has no {_called(model)}" if model else "has no such address: is its url right"
        return CallFailed(f"{where} {what}: {found.said}", outcome="client", kind="model_missing")
    if status < 400:
        return CallFailed(
            f"{where} answered {status} instead of a reply: is its url right?",
            outcome="client",
            kind="protocol",
        )
    return CallFailed(
        f"{where} refused the request with {status}: {found.said}",
        outcome="client",
        kind="http_4xx",
        retry=False,
        next_model=True,
    )


def mid_stream(server: Server, model: Model, found: Complaint) -> CallFailed:
    """Return the error for an event that breaks a reply off."""
    if found.about_context:
        return CallFailed(
            f"the request does not fit {_called(model)} at {server.name}: {found.said}",
            outcome="client",
            kind="context",
            retry=False,
            next_model=True,
        )
    if found.names & _BUSY_TYPES:
        return busy(server, found, None)
    if _NONSENSE.search(found.said):
        return CallFailed(
            f"{model.name} at {server.name} wrote something else than was asked for: {found.said}",
            outcome="quality",
            kind="invalid_json",
        )
    return CallFailed(
        f"{server.name} broke off its answer: {found.said}",
        outcome="infra",
        kind="midstream_error",
    )


def busy(server: Server, found: Complaint, wait_s: float | None) -> CallFailed:
    """Return the error for a server that takes no more at the moment."""
    when = "" if wait_s is None else f"; it asks for {wait_s:.0f} s"
    return CallFailed(
        f"{server.name} takes no more calls now: {found.said}{when}",
        outcome="busy",
        kind="busy",
        after_s=wait_s,
    )


def after_s(headers: Mapping[str, str]) -> float | None:
    """Return how long a server asks to be left alone, in seconds; None when it does not say.

    Only a number is read: the date that HTTP allows too depends on two clocks agreeing.
    """
    for name, unit_s in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            wait_s = float(headers.get(name, "")) * unit_s
        except ValueError:
            continue
        if 0 <= wait_s <= MAX_AFTER_S:
            return wait_s
    return None


def _closed(server: Server, status: int) -> CallFailed:
    # The server's own words are left out: some repeat a part of the key.
    where = f"{server.name} ({server.url})"
    if server.key_env is None:
        text = f"{where} wants a key ({status}): name its environment variable as key_env"
    else:
        text = f"{where} does not accept the key in {server.key_env} ({status}): put the right one"
    return CallFailed(text, outcome="client", kind="http_4xx")


def _called(model: Model | None) -> str:
    return f"model {model.name!r}" if model else "that"


def _short(text: str) -> str:
    plain = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return plain if len(plain) <= MAX_SAID else plain[: MAX_SAID - 1] + "\u2026"


def as_object(data: str, server: Server) -> dict[str, Any]:
    """Return an event's JSON object.

    Raises:
        CallFailed: it is none.
    """
    try:
        found = json.loads(data)
    except ValueError as error:
        raise not_spoken(server, f"an event is no JSON: {_short(data)[:60]!r}") from error
    if not isinstance(found, dict):
        raise not_spoken(server, f"an event is no object: {_short(data)[:60]!r}")
    return found


def not_spoken(server: Server, why: str) -> CallFailed:
    """Return the error for a server that does not speak its protocol."""
    return CallFailed(
        f"{server.name} ({server.url}) does not speak the protocol of {server.provider}: {why}",
        outcome="infra",
        kind="protocol",
    )
