"""Build the model pool from settings: providers, servers, chains, money and the audit log."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import bookai.llm
from bookai.db import audit
from bookai.db.pool import Pool
from bookai.db.spending import Ledger
from bookai.llm.base import Provider
from bookai.llm.pool import ModelPool
from bookai.llm.serving.limits import Limits
from bookai.llm.serving.record import CallRecord
from bookai.plugins import load_plugins
from bookai.settings import Settings
from studio.models.billing import booked
from studio.models.lineup import line_up

NO_PROVIDERS = ("base", "parsing", "pool", "spending")
ACTOR = "studio:models"


def open_providers() -> dict[str, Provider]:
    """Return a provider of each kind, new: their connections live in one event loop."""
    found = load_plugins(bookai.llm, "PROVIDER", Provider, besides=NO_PROVIDERS)
    return {name: type(provider)() for name, provider in found.items()}


@asynccontextmanager
async def lent_providers() -> AsyncIterator[Mapping[str, Provider]]:
    """Lend the providers, and hang up their connections afterwards."""
    providers = open_providers()
    try:
        yield providers
    finally:
        for provider in providers.values():
            await provider.close()


def build_pool(settings: Settings, pool: Pool, traces: audit.Appender) -> ModelPool:
    """Return the pool of all models, not yet open; every attempt is written to the audit log.

    Raises:
        OperatorNeeded: what settings say about models does not fit together.
    """

    async def record(call: CallRecord) -> None:
        await traces.append("model.called", ACTOR, booked(call))

    providers = open_providers()
    lined = line_up(settings, providers)
    return ModelPool(
        providers,
        lined.servers,
        lined.models,
        lined.chains,
        record=record,
        spending=Ledger(pool, lined.caps),
        limits=Limits(question_s=settings.ollama.timeout_s),
    )


def build_far_pool(settings: Settings) -> ModelPool:
    """Return the pool of a process without a database: it asks no model that bills.

    Raises:
        OperatorNeeded: what settings say about models does not fit together.
    """
    providers = open_providers()
    lined = line_up(settings, providers)
    limits = Limits(question_s=settings.ollama.timeout_s)
    return ModelPool(providers, lined.servers, lined.models, lined.chains, limits=limits)
