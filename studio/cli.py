"""The `bookai` command. Each command's module is imported only when that command runs."""

import logging
import os
import sys
from importlib import import_module

import click

from bookai.errors import BookAIError
from bookai.house import VERSION, check_own_packages
from studio.install.credentials import take_credentials

logger = logging.getLogger(__name__)

# Name: the module that holds it, and its line in `bookai --help`.
_COMMANDS = {
    "make": ("make", "Make a video of a file, a URL, a feed or a topic."),
    "demo": ("make", "Make a video of the bundled article."),
    "batch": ("batch", "Make a video of each row of a file."),
    "jobs": ("look", "List jobs."),
    "shots": ("film", "Show what each sentence is shown with, and what else it could be."),
    "swap": ("film", "Show another picture with one sentence."),
    "cancel": ("steer", "End a job."),
    "postpone": ("steer", "Let a job go on, and be published, later."),
    "channels": ("channels", "List channels; check, change or add one."),
    "pause": ("steer", "Hold back the studio or a channel."),
    "resume": ("steer", "Let what was held back go on."),
    "approvals": ("approvals.listing", "List what waits for an operator."),
    "approve": ("approvals.decide", "Approve a post and publish it."),
    "reject": ("approvals.decide", "Reject a post."),
    "decide": ("approvals.decide", "Decide on many at once."),
    "link": ("approvals.lend", "Print a one-time link for one decision."),
    "delegate": ("approvals.lend", "Lend the right to approve."),
    "publications": ("look", "List posts."),
    "plan": ("planning", "See a channel's calendar, its limits and what would start."),
    "trends": ("market.trends", "See what rises in your feeds, and why."),
    "earnings": ("market.earnings", "See what was earned; read a network's report."),
    "results": ("market.results", "See what became of posts, product pages and forecasts."),
    "outbox": ("outbox", "See posts on their way; settle what is unknown."),
    "agents": ("agents", "List agents; why one was chosen; offer them to other studios."),
    "autonomy": ("autonomy", "See, grant and take away what channels may do alone."),
    "models": ("models", "See model servers and budgets; fetch a model, ask one."),
    "status": ("look", "Show the studio at a glance."),
    "audit": ("trail", "Verify, prove, read or export the audit log."),
    "evidence": ("evidence", "Keep copies of the audit log's checkpoints elsewhere."),
    "proof": ("proof", "Hand out everything about one video, with its proofs."),
    "doctor": ("doctor", "Check this machine; each failure names its mend."),
    "backup": ("keeping", "Copy the whole studio into one file."),
    "restore": ("keeping", "Bring a backup back into an empty home."),
    "migrate": ("care", "Bring the database's schema up to date."),
    "offers": ("care", "Keep the product catalogue."),
    "token": ("care", "Keep tokens for MCP clients."),
    "serve": ("doors", "Offer MCP and the approval pages on loopback HTTP."),
    "mcp": ("doors", "Offer the tools over MCP on standard input and output."),
    "loop": ("doors", "Run the studio unattended."),
    "rehearse": ("running.rehearse", "Run a simulated week of the studio in minutes."),
    "worker": ("doors", "Carry queued jobs on."),
    "ticks": ("running.ticks", "See what the loop does, and what came of it."),
    "postgres": ("install.postgres", "Keep the embedded database up."),
    "install": ("install.install", "Have systemd run the studio."),
    "uninstall": ("install.install", "Take the studio from systemd; its data stays."),
}


class _Lazy(click.Group):
    """Keeps `bookai --help` and short commands quick: langgraph and mcp take seconds to import."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"studio.commands.{_COMMANDS[cmd_name][0]}")
        found: click.Command = getattr(module, f"{cmd_name}_command")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_) for name, (_, help_) in _COMMANDS.items()])


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION, prog_name="bookai")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.pass_context
def bookai(ctx: click.Context, debug: bool) -> None:
    """Make short videos from real sources, ask you, publish, and account for all of it.

    Everything is kept under $BOOKAI_HOME; BOOKAI_DSN names another Postgres than the embedded one.
    """
    ctx.ensure_object(dict)["debug"] = debug


def main() -> None:
    """Run the command line: exit 0 when done, 1 on an error, 2 on wrong usage."""
    debug = "--debug" in sys.argv[1:2]
    try:
        check_own_packages()
        take_credentials(os.environ)
        bookai(standalone_mode=False)
    except click.UsageError as error:
        error.show()
        sys.exit(2)
    except click.ClickException as error:
        error.show()
        sys.exit(1)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped", err=True)
        sys.exit(130)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except BookAIError as error:
        if debug:
            raise
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
    except Exception as error:
        if debug:
            raise
        # The last door: a defect of ours. Its text may hold anything, so only its kind is told.
        logger.debug("A defect", exc_info=True)
        name = type(error).__name__
        click.echo(f"error: something broke inside ({name}). See it: bookai --debug …", err=True)
        sys.exit(1)
