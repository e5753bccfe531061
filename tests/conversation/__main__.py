"""Live the operator's day through the studio's MCP server and print what was said.

`python -m tests.conversation > docs/how-to/run-the-studio-by-chat.md` takes some minutes: the
videos are real. Everything happens in a temporary home; the feeds are served from this machine.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

HERE = Path(__file__).parent
BOOKAI = [sys.executable, "-c", "from studio.cli import main; main()"]
PATIENCE_S = 900.0
TITLES = {
    "fee": "What a fee of one percent takes in thirty years",
    "minimum": "Paying the minimum keeps a card debt alive for 29 years",
    "inflation": "Money at three percent inflation loses half its worth in 24 years",
}
# Which paper tells which story, and how many hours ago.
PAPERS = {
    "savers": {"fee": 3, "minimum": 5, "inflation": 9},
    "household": {"fee": 2, "inflation": 6},
    "money-daily": {"fee": 1, "minimum": 4},
}
Pick = Callable[[Any], Any]


class _Quiet(SimpleHTTPRequestHandler):
    """Serves the papers and says nothing."""

    def guess_type(self, path: str | os.PathLike[str]) -> str:
        feed = str(path).endswith(".xml")
        return "application/rss+xml" if feed else "text/markdown; charset=utf-8"

    def log_message(self, format: str, *args: object) -> None:
        del format, args


def print_papers(folder: Path) -> list[str]:
    """Write each paper's articles and feed, serve it at a host of its own; return the addresses."""
    now, hosts = datetime.now(UTC), list[str]()
    for number, (paper, stories) in enumerate(PAPERS.items(), start=1):
        place = folder / paper
        place.mkdir(parents=True)
        serve = partial(_Quiet, directory=str(place))
        web = ThreadingHTTPServer((f"127.0.0.{number}", 0), serve)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        url = f"http://127.0.0.{number}:{web.server_port}"
        for name in stories:
            (place / f"{name}.md").write_bytes((HERE / "articles" / f"{name}.md").read_bytes())
        items = "".join(
            f"<item><title>{TITLES[name]}</title><link>{url}/{name}.md</link>"
            f"<guid>{paper}-{name}</guid><category>personal finance</category>"
            f"<description>Personal finance: {TITLES[name]}.</description>"
            f"<pubDate>{format_datetime(now - timedelta(hours=hours))}</pubDate></item>"
            for name, hours in stories.items()
        )
        feed = f'<rss version="2.0"><channel><title>{paper}</title>{items}</channel></rss>'
        (place / "feed.xml").write_text(feed, encoding="utf-8")
        hosts.append(url)
    return hosts


class Talk:
    """The conversation: what the operator says, which tool is called, what came back."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def call(self, tool: str, arguments: dict[str, Any], pick: Pick) -> Any:
        """Call a tool, print the call and what `pick` takes of the answer; return the answer."""
        answer = await self._client.call_tool(tool, arguments)
        if answer.is_error:
            raise RuntimeError(f"{tool}: {answer.content}")
        data = answer.structured_content
        click.echo(f"\n`{tool}`\n\n```json\n{json.dumps(arguments, indent=2)}\n```\n\nanswers\n")
        click.echo(f"```json\n{json.dumps(pick(data), indent=2, ensure_ascii=False)}\n```")
        return data

    async def until(self, tool: str, arguments: dict[str, Any], done: Pick) -> Any:
        """Ask again and again, unprinted, until `done` is true."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                data = (await self._client.call_tool(tool, arguments)).structured_content
                if done(data):
                    return data
                await asyncio.sleep(2)


def operator(text: str) -> None:
    click.echo(f"\n> {text}")


def fields(*names: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    return lambda row: {name: row[name] for name in names}


def rows(where: str, *names: str) -> Pick:
    pick = fields(*names)
    return lambda data: [pick(row) for row in data[where]]


async def talk(client: Client, before: str) -> None:
    """Say it all."""
    say = Talk(client)
    click.echo(before)
    operator("What is rising in personal finance?")
    found = await say.call(
        "list_trends",
        {"topic": "personal finance", "refresh": True, "limit": 3},
        lambda data: {"trends": [_story(one) for one in data["trends"]], "note": data["note"]},
    )
    operator("Make three shorts of the best.")
    wanted = [{"source": one["sources"][0]["url"]} for one in found["trends"]]
    made = await say.call(
        "make_batch", {"batch": {"videos": wanted}, "idempotency_key": "monday-three"}, _same
    )
    ids = [row["job_id"] for row in made["rows"]]
    settled = {"waiting", "refused", "failed"}
    await say.until(
        "list_jobs",
        {"limit": 10},
        lambda data: all(job["status"] in settled for job in data["jobs"]),
    )
    operator("Show me the drafts.")
    drafts = await say.call("list_approvals", {}, lambda data: list(map(_draft, data["approvals"])))
    await say.call("get_job", {"job_id": ids[0]}, fields("script"))
    operator("Publish two of them, not the second: the title promises too much.")
    first, second, third = (one["approval_id"] for one in drafts["approvals"])
    bundle = {
        "approve": [first, third],
        "reject": [{"approval_id": second, "reason": "the title promises too much"}],
    }
    await say.call("decide_bundle", {"bundle": bundle, "idempotency_key": "monday-word"}, _same)
    await say.until(
        "list_publications",
        {},
        lambda data: sum(post["state"] == "posted" for post in data["publications"]) == 2,
    )
    operator("Are they out?")
    await say.call(
        "list_publications", {}, rows("publications", "post_id", "title", "state", "attempt")
    )
    operator("And what did last week's earn?")
    await say.call("list_earnings", {"by": "video", "time_zone": "Europe/Berlin"}, _same)
    operator("Why did it not publish the second?")
    await say.call(
        "search_audit",
        {"kind": "approval.", "limit": 4},
        lambda data: [{"kind": one["kind"], "actor": one["actor"]} for one in data["events"]],
    )


def _same(data: Any) -> Any:
    return data


def _story(one: dict[str, Any]) -> dict[str, Any]:
    told = {name: one[name] for name in ("title", "score", "publishers", "reasons")}
    return {**told, "url": one["sources"][0]["url"]}


def _draft(row: dict[str, Any]) -> dict[str, Any]:
    post = row["post"]
    return {
        "approval_id": row["approval_id"],
        "title": post["title"],
        "caption": post["caption"],
        "flags": post["flags"],
        "disclosure": post["disclosure"],
        "expires_at": row["expires_at"],
    }


def _bookai(env: dict[str, str], *arguments: str) -> str:
    done = subprocess.run(
        [*BOOKAI, *arguments], env=env, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder) / "home"
        home.mkdir(mode=0o700)
        papers = print_papers(Path(folder) / "papers")
        hosts = [urlsplit(paper).hostname for paper in papers]
        sources = "".join(
            f'[[sources]]\nurl = "{paper}/feed.xml"\nevery_s = 604800\n' for paper in papers
        )
        (home / "studio.toml").write_text(
            f"http_port = 8977\nmetrics_port = 0\nallow_private = {json.dumps(hosts)}\n"
            f"[approvals]\nsingle_operator = true\n[ollama]\nhost = 'http://127.0.0.1:9'\n{sources}"
        )
        env = {**os.environ, "BOOKAI_HOME": str(home), "BOOKAI_METRICS_PORT": "0"}
        rights = [word for right in ("read", "operate", "approve") for word in ("--scope", right)]
        token = _bookai(env, "token", "create", "chat", *rights).splitlines()[0]
        with (Path(folder) / "log").open("w") as log:
            run = partial(subprocess.Popen, env=env, stdout=log, stderr=log)
            studio = [run([*BOOKAI, "serve"]), run([*BOOKAI, "worker", "--concurrency", "2"])]
            try:
                async with AsyncExitStack() as stack:
                    headers = {"Authorization": f"Bearer {token}"}
                    http = httpx2.AsyncClient(headers=headers, timeout=120)
                    await stack.enter_async_context(http)
                    await _wait_for("http://127.0.0.1:8977/mcp", http)
                    line = streamable_http_client("http://127.0.0.1:8977/mcp", http_client=http)
                    client = await stack.enter_async_context(Client(line))
                    await talk(client, (HERE / "before.md").read_text(encoding="utf-8"))
            except BaseException:
                sys.stderr.write((Path(folder) / "log").read_text()[-4000:])
                raise
            finally:
                for process in studio:
                    process.terminate()
                for process in studio:
                    process.wait(60)


async def _wait_for(url: str, http: httpx2.AsyncClient) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                await http.get(url)
            except httpx2.TransportError:
                await asyncio.sleep(0.5)
            else:
                return


if __name__ == "__main__":
    asyncio.run(main())
