"""Rights as the studio names them, and as they are called on the wire."""

from collections.abc import Iterable
from typing import get_args

from tools.base import Scope

SCOPES: frozenset[str] = frozenset(get_args(Scope))
PREFIX = "studio:"
"""Keeps our rights apart from those of other servers that a client knows."""


def on_wire(scopes: Iterable[str]) -> list[str]:
    """Return rights as tokens and challenges name them, in one order: `studio:read`."""
    return sorted(PREFIX + scope for scope in scopes)


def from_wire(scopes: Iterable[str]) -> frozenset[str]:
    """Return the studio's own names; what is none of its rights is dropped."""
    ours = (scope for scope in scopes if scope.startswith(PREFIX))
    return frozenset(scope.removeprefix(PREFIX) for scope in ours) & SCOPES
