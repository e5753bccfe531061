"""From settings to servers, models and chains; what does not fit together is refused at the start.

Money fails closed: a model on a server that bills needs a price, and its provider a budget.
"""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bookai.db.spending import MICROCENTS_PER_CENT
from bookai.errors import OperatorNeeded
from bookai.llm.base import ContentType, Model, Price, Server
from bookai.llm.hosted.line import is_near
from bookai.llm.pool import BUILTIN, EXTRACTIVE
from bookai.model_settings import ServerSettings, SpecSettings
from bookai.settings import Settings

OLLAMA = "ollama"
ALWAYS_BILLS = frozenset({"anthropic"})
_URLS = {"anthropic": "https://api.anthropic.com"}


@dataclass(frozen=True, slots=True)
class LineUp:
    """Who can be asked where, in which order, for how much; `caps` are microcents a day."""

    servers: tuple[Server, ...]
    models: Mapping[str, Model]
    chains: Mapping[ContentType, tuple[str, ...]]
    caps: Mapping[str, int]


def line_up(settings: Settings, providers: Collection[str]) -> LineUp:
    """Return what settings ask for; `providers` are the files in bookai/llm.

    Raises:
        OperatorNeeded: a provider, a server, a price or a budget is missing or unknown.
    """
    wanted = dict(settings.models.chains(_first(settings)))
    refs = tuple(dict.fromkeys(ref for chain in wanted.values() for ref in chain))
    servers = _servers(settings, refs, providers)
    billing = {server.provider for server in servers if server.bills}
    models = {ref: _model(ref, settings.models.specs.get(ref), billing) for ref in refs}
    caps = {
        name: round(budget.cents_per_day * MICROCENTS_PER_CENT)
        for name, budget in settings.models.budgets.items()
    }
    unused = sorted(set(settings.models.specs) - set(refs))
    if unused:
        raise _wrong(
            f"[models.specs.{unused[0]!r}] is of a model in no list.",
            f"The models are {', '.join(refs)}; name it in one of [models] creative, technical …",
        )
    _check_known(settings.models.budgets, providers, "[models.budgets] names")
    _check_money(servers, models, caps)
    last = EXTRACTIVE.ref
    return LineUp(
        servers=(*servers, BUILTIN),
        models={**models, last: EXTRACTIVE},
        chains={
            kind: (*(ref for ref in chain if ref != last), last) for kind, chain in wanted.items()
        },
        caps=caps,
    )


def writers(settings: Settings) -> str:
    """Return who writes scripts, best first, for people."""
    chain = dict(settings.models.chains(_first(settings)))["creative"]
    return ", else ".join((*chain, "the built-in writer"))


def _first(settings: Settings) -> str | None:
    return f"{OLLAMA}/{settings.ollama.model}" if settings.ollama.model else None


def _servers(
    settings: Settings, refs: tuple[str, ...], providers: Collection[str]
) -> tuple[Server, ...]:
    listed = settings.models.servers
    _check_url("[ollama].host, or OLLAMA_HOST,", settings.ollama.host)
    _check_known([one.provider for one in listed], providers, "[[models.servers]] names")
    if any(one.name == BUILTIN.name for one in listed):
        raise _wrong(f"a server is called {BUILTIN.name!r}, as the built-in writer.", "Rename it.")
    servers = tuple(_server(one, settings.ollama.host) for one in listed)
    used = tuple(dict.fromkeys(ref.partition("/")[0] for ref in refs))
    _check_known(used, providers, "[models] names")
    there = {server.provider for server in servers}
    if OLLAMA in used and OLLAMA not in there:
        taken = {server.name for server in servers}
        name = OLLAMA if OLLAMA not in taken else f"{OLLAMA}-here"
        servers = (Server(name, OLLAMA, settings.ollama.host), *servers)
        there.add(OLLAMA)
    for ref in refs:
        provider = ref.partition("/")[0]
        if provider not in there | {EXTRACTIVE.provider}:
            raise _wrong(
                f"[models] names {ref!r}, but there is no server of {provider!r}.",
                f'Add [[models.servers]] with provider = "{provider}", a name and a url.',
            )
    return servers


def _server(one: ServerSettings, ollama_host: str) -> Server:
    url = one.url or {**_URLS, OLLAMA: ollama_host}.get(one.provider, "")
    if not url:
        raise _wrong(
            f"server {one.name!r} of {one.provider!r} has no url.",
            'Give it one, such as url = "http://10.0.0.5:8000/v1".',
        )
    _check_url(f"server {one.name!r}", url)
    if one.key_env and url.startswith("http:") and not is_near(url):
        raise _wrong(
            f"server {one.name!r} would be sent its key over plain http.",
            "Use https, or an address in your own network.",
        )
    bills = (one.provider in ALWAYS_BILLS or one.key_env is not None) and not one.free
    return Server(
        name=one.name,
        provider=one.provider,
        url=url,
        slots=one.slots,
        max_loaded=one.max_loaded,
        key_env=one.key_env,
        bills=bills,
        proxy=one.proxy,
    )


def _check_url(what: str, url: str) -> None:
    try:
        parts = urlsplit(url)
        usable = parts.port is None or parts.port > 0
    except ValueError:
        usable = False
    # The url itself is not told: it may hold a password.
    if not usable or not parts.hostname:
        raise _wrong(f"{what} has no usable url.", "Write it as http://127.0.0.1:11434.")
    if parts.username or parts.password:
        raise _wrong(
            f"{what} has a name or a password in its url.", "Leave it out: urls stand in messages."
        )


def _model(ref: str, spec: SpecSettings | None, billing: Collection[str]) -> Model:
    found = spec or SpecSettings()
    asked, said = found.input_cents_per_mtok, found.output_cents_per_mtok
    price = None
    if asked is not None and said is not None and ref.partition("/")[0] in billing:
        # A cent for a million tokens is a microcent for one; what is less is rounded up.
        price = Price(math.ceil(asked), math.ceil(said))
    return Model(
        ref=ref,
        num_ctx=found.num_ctx,
        max_tokens=found.max_tokens,
        proficiency=found.proficiency,
        price=price,
    )


def _check_money(
    servers: tuple[Server, ...], models: Mapping[str, Model], caps: Mapping[str, int]
) -> None:
    for server in servers:
        asked = [model for model in models.values() if model.provider == server.provider]
        if not server.bills or not asked:
            continue
        for model in asked:
            if model.price is None:
                raise _wrong(
                    f"server {server.name!r} bills its calls, and {model.ref!r} has no price.",
                    f'Put input_cents_per_mtok and output_cents_per_mtok in [models.specs."'
                    f'{model.ref}"], or free = true at the server if it costs nothing.',
                )
        if server.provider not in caps:
            raise _wrong(
                f"{server.provider!r} bills its calls and has no budget.",
                f"Put {server.provider} = {{ cents_per_day = 200 }} in [models.budgets].",
            )


def _check_known(names: Collection[str], providers: Collection[str], where: str) -> None:
    unknown = sorted(set(names) - set(providers))
    if unknown:
        raise _wrong(
            f"{where} {unknown[0]!r}, which is no provider of models.",
            f"There are {', '.join(sorted(providers))}; each is a file in bookai/llm.",
        )


def _wrong(what: str, mend: str) -> OperatorNeeded:
    return OperatorNeeded(f"studio.toml: {what}", mend=mend)
