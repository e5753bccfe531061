"""`bookai migrate`, `bookai offers`, `bookai token`: looking after the studio."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import click

from bookai.db import offers, tokens
from bookai.db.keeping.schema import load
from bookai.db.migrate import pending
from bookai.house import migrations_dir
from bookai.settings import Settings, read_settings
from studio.commands._door import as_json, operator, print_json, print_rows, run
from studio.database import owner_dsn
from studio.office import open_office

SCOPES = ("read", "operate", "approve", "agent", "admin")
_WIRE = "studio:"


class _Right(click.ParamType[str]):
    """A right, by the studio's name or by the one on the wire: `read` or `studio:read`."""

    name = "right"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the studio's own name of the right."""
        right = value.removeprefix(_WIRE)
        if right not in SCOPES:
            self.fail(f"{value!r} is none of {', '.join(SCOPES)}.", param, ctx)
        return right

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str:
        """Return the rights there are, for the help."""
        return f"[{'|'.join(SCOPES)}]"


@click.command(epilog="Examples: bookai migrate --dry-run · bookai migrate")
@click.option("--dry-run", is_flag=True, help="Only say what would be applied.")
@as_json
def migrate_command(dry_run: bool, json_: bool) -> None:
    """Bring the database's schema up to date; every other command does so as well."""
    settings = read_settings()
    titles = run(_pending(settings) if dry_run else _migrate(settings))
    if json_:
        print_json({"pending" if dry_run else "applied": list(titles)})
    elif titles:
        click.echo(f"{'to apply' if dry_run else 'applied'}: {', '.join(titles)}")
    else:
        click.echo("the schema is up to date")


async def _migrate(settings: Settings) -> Sequence[str]:
    async with open_office(settings) as office:
        return office.database.applied


async def _pending(settings: Settings) -> Sequence[str]:
    if not (settings.dsn or settings.postgres_dir.is_dir()):
        return [migration.title for migration in load(migrations_dir())]
    async with owner_dsn(settings) as dsn:
        return await pending(dsn, migrations_dir())


@click.group(epilog="Example: bookai offers import products.csv")
def offers_command() -> None:
    """Keep the product catalogue for affiliate links."""


@offers_command.command("import", epilog="Example: bookai offers import products.csv")
@click.argument("path", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
def import_(path: Path, json_: bool) -> None:
    """Import products from a CSV file: all rows, or none when one is bad."""

    async def work() -> int:
        async with open_office(read_settings()) as office:
            return await offers.import_products(
                office.database.pool, path, actor=operator(), networks=office.desk.networks
            )

    count = run(work())
    if json_:
        print_json({"imported": count})
        return
    click.echo(f"imported {count} products")


@click.group(epilog="Example: bookai token create phone --scope read --scope approve")
def token_command() -> None:
    """Tokens for MCP clients over HTTP."""


@token_command.command(epilog="Example: bookai token create phone --scope read --scope approve")
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, required=True, type=_Right())
@click.option("--days", type=click.IntRange(1, 365), default=30, show_default=True)
@click.option("--for", "resource", metavar="URL", help="The server's address, else the setting's.")
@as_json
def create(
    name: str, scopes: tuple[str, ...], days: int, resource: str | None, json_: bool
) -> None:
    """Make a token for this studio's MCP server and show it once; only its hash is kept."""
    settings = read_settings()
    made_for = resource or settings.mcp_resource

    async def work() -> str:
        async with open_office(settings) as office:
            return await tokens.create(
                office.database.pool,
                name,
                scopes,
                timedelta(days=days),
                operator(),
                resource=made_for,
            )

    token = run(work())
    if json_:
        print_json({"name": name, "token": token, "resource": made_for})
        return
    click.echo(token)
    click.echo(f"shown this once; a bearer token for {made_for} and nowhere else", err=True)


@token_command.command("list", epilog="Example: bookai token list")
@as_json
def list_tokens(json_: bool) -> None:
    """List tokens; never the tokens themselves."""

    async def work() -> tuple[tokens.TokenRow, ...]:
        async with open_office(read_settings()) as office:
            return await tokens.list_(office.database.pool)

    rows = run(work())
    if json_:
        print_json(
            [
                {
                    "name": r.name,
                    "scopes": list(r.scopes),
                    "resource": r.resource,
                    "expires": r.expires_at,
                    "revoked": r.revoked_at,
                }
                for r in rows
            ]
        )
        return
    print_rows(
        rows,
        (
            ("name", lambda r: r.name),
            ("scopes", lambda r: ", ".join(r.scopes)),
            ("for", lambda r: r.resource or "this machine"),
            ("expires", lambda r: r.expires_at),
            ("revoked", lambda r: r.revoked_at),
        ),
        "no tokens: bookai token create NAME --scope read",
    )


@token_command.command(epilog="Example: bookai token revoke phone")
@click.argument("name")
def revoke(name: str) -> None:
    """Revoke a token; the next call with it is refused."""

    async def work() -> None:
        async with open_office(read_settings()) as office:
            await tokens.revoke(office.database.pool, name, operator())

    run(work())
    click.echo(f"revoked {name}")
