"""`bookai models`: servers, models, money; fetch a model, ask one question."""

import sys
import time
from collections.abc import Mapping

import click

from bookai.db.spending import Budget, Ledger, cents, next_day
from bookai.errors import OperatorNeeded
from bookai.llm.base import Asked, ContentType, ModelAnswer, ModelRequest, Server
from bookai.model_settings import CONTENT_KINDS
from bookai.models import Record
from bookai.settings import Settings, read_settings
from studio.commands._door import as_json, print_json, print_rows, run
from studio.models.lineup import OLLAMA, LineUp, line_up
from studio.models.look import ChainView, ModelView, ServerView, chains_of, look_around
from studio.models.opening import build_pool, lent_providers
from studio.models.pull import pull
from studio.office import now, open_office

PROMPT_VERSION = "ask-1"
SYSTEM = (
    "Answer the question plainly and correctly, in at most 120 words. Say so if you don't know."
)
ANSWER_SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string"}},
    "required": ["answer"],
    "additionalProperties": False,
}


class Said(Record):
    """What a model answered."""

    answer: str


Looked = tuple[tuple[ServerView, ...], tuple[ChainView, ...], tuple[Budget, ...]]


@click.group(invoke_without_command=True, epilog="Example: bookai models --json")
@as_json
@click.pass_context
def models_command(ctx: click.Context, json_: bool) -> None:
    """Show model servers, the models for each kind of text, and what is spent of the budgets."""
    if ctx.invoked_subcommand is not None:
        return
    servers, chains, budgets = run(_look(read_settings()))
    if json_:
        rows = {"servers": servers, "chains": chains, "budgets": budgets}
        print_json({name: [one.model_dump(mode="json") for one in rows[name]] for name in rows})
        return
    _print_servers(servers)
    click.echo()
    _print_chains(chains)
    if budgets:
        click.echo()
        _print_budgets(budgets)


async def _look(settings: Settings) -> Looked:
    async with lent_providers() as providers:
        lined = line_up(settings, providers)
        servers = await look_around(lined, providers)
    return servers, chains_of(lined, servers), await _budgets(settings, lined.caps)


async def _budgets(settings: Settings, caps: Mapping[str, int]) -> tuple[Budget, ...]:
    # Without a budget nothing needs the database, which may take seconds to start.
    if not caps:
        return ()
    async with open_office(settings) as office:
        ledger = Ledger(office.database.pool, caps)
        return tuple([await ledger.look(provider, now()) for provider in sorted(caps)])


def _print_servers(servers: tuple[ServerView, ...]) -> None:
    print_rows(
        servers,
        (
            ("server", lambda r: r.name),
            ("provider", lambda r: r.provider),
            ("url", lambda r: r.url or None),
            ("state", lambda r: "up" if r.up else "down"),
            ("slots", lambda r: r.slots),
            ("bills", lambda r: "yes" if r.bills else "no"),
            ("loaded", lambda r: ", ".join(r.loaded) or None),
            ("models or reason", lambda r: ", ".join(r.models[:12]) or r.why or None),
        ),
        "no server",
    )


def _print_chains(chains: tuple[ChainView, ...]) -> None:
    rows = [(chain.content, model) for chain in chains for model in chain.models]
    print_rows(
        rows,
        (
            ("for", lambda r: r[0]),
            ("model", lambda r: r[1].ref),
            ("state", lambda r: r[1].state),
            ("where, or how to get it", lambda r: _where(r[1])),
        ),
        "no model",
    )


def _where(model: ModelView) -> str:
    return ", ".join(model.servers) or model.mend


def _print_budgets(budgets: tuple[Budget, ...]) -> None:
    print_rows(
        budgets,
        (
            ("budget of", lambda r: r.provider),
            ("cents a day", lambda r: cents(r.cap or 0)),
            ("spent", lambda r: cents(r.spent)),
            ("set aside", lambda r: cents(r.held)),
            ("left", lambda r: cents(r.left)),
            ("starts anew (UTC)", lambda r: next_day(now())),
        ),
        "no budget",
    )


@models_command.command("pull", epilog="Example: bookai models pull ollama/llama3.1:8b")
@click.argument("ref")
@click.option("--on", "name", help="Only on this server; else on every Ollama.")
def pull_(ref: str, name: str | None) -> None:
    """Have Ollama fetch the model REF."""
    run(_pull(read_settings(), ref, name))


async def _pull(settings: Settings, ref: str, name: str | None) -> None:
    async with lent_providers() as providers:
        lined = line_up(settings, providers)
    provider, _, rest = ref.partition("/")
    if provider in providers and provider != OLLAMA:
        raise OperatorNeeded(
            f"{ref!r} cannot be fetched from here.",
            mend=f"Only Ollama fetches models; give {provider} its models on its own machine.",
        )
    model = rest if provider == OLLAMA else ref
    for server in _ollamas(lined, name):
        click.echo(f"{server.name} ({server.url}): {model}")
        await pull(server, model, _Shown())


def _ollamas(lined: LineUp, name: str | None) -> list[Server]:
    found = [server for server in lined.servers if server.provider == OLLAMA]
    wanted = [server for server in found if name in (None, server.name)]
    if wanted:
        return wanted
    known = ", ".join(server.name for server in found) or "none"
    raise OperatorNeeded(
        "there is no such Ollama server.", mend=f"Known: {known}; others: [[models.servers]]."
    )


class _Shown:
    """Shows progress: on a terminal as it goes, in a pipe one line for each thing done."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, status: str, share: float | None) -> None:
        is_new = status != self._last
        self._last = status
        if sys.stdout.isatty() and share is not None:
            click.echo(f"\r  {_plain(status)[:60]} {share:4.0%}", nl=share >= 1)
        elif is_new:
            click.echo(f"  {_plain(status)}")


@models_command.command("ask", epilog='Example: bookai models ask --for technical "What is UTC?"')
@click.argument("question")
@click.option(
    "--for",
    "content",
    type=click.Choice(CONTENT_KINDS),
    default="creative",
    show_default=True,
    help="Ask the models for this kind of text.",
)
def ask_(question: str, content: ContentType) -> None:
    """Ask the models one QUESTION; say who answered, and who could not."""
    began = time.monotonic()
    asked = run(_ask(read_settings(), question, content))
    click.echo(_plain(asked.value.answer))
    for one in asked.fallbacks:
        click.echo(f"{one.wanted} was not used: {_plain(one.why)}", err=True)
    took_s = time.monotonic() - began
    click.echo(f"answered by {asked.provider}/{asked.model} in {took_s:.1f} s", err=True)


async def _ask(settings: Settings, question: str, content: ContentType) -> Asked[Said]:
    request = ModelRequest(
        task="write_script",
        system=SYSTEM,
        prompt=question,
        prompt_version=PROMPT_VERSION,
        answer_schema=ANSWER_SCHEMA,
        content=content,
        max_tokens=400,
    )
    async with (
        open_office(settings) as office,
        build_pool(settings, office.database.pool, office.traces) as models,
    ):
        return await models.ask(request, _answer)


def _answer(answer: ModelAnswer) -> Said:
    text = str(answer.content["answer"]).strip()
    if not text:
        raise ValueError("the answer is empty")
    return Said(answer=text)


def _plain(text: str) -> str:
    # What a model or a server says must not move the cursor or colour the terminal.
    return "".join(c if c.isprintable() or c == "\n" else " " for c in text)
