"""Feeds on loopback that show a new story every few seconds; each story is a page of its own."""

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import studio

STORY = Path(studio.__file__).parent / "examples" / "leap-second.md"
SHOWN = 20
_CONSONANTS, _VOWELS = "bdfgklmnprstvz", "aeiou"
_THINGS = ("bridge", "harbour", "clock", "tunnel", "market", "library", "railway", "orchard")
_DEEDS = ("opens", "closes", "grows", "moves", "returns", "changes", "waits", "turns")


@dataclass(frozen=True, slots=True)
class Feeds:
    """Where the feeds are; feed `number` shows a new story every `every_s` seconds."""

    port: int
    every_s: float

    def url(self, number: int) -> str:
        return f"http://127.0.0.1:{self.port}/feed/{number}.xml"


@contextmanager
def open_feeds(every_s: float) -> Iterator[Feeds]:
    """Serve while the block runs, from a thread."""
    paragraphs = _paragraphs()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            port = int(self.headers["Host"].rpartition(":")[2])
            parts = self.path.strip("/").split("/")
            if parts[0] == "feed":
                feed = int(parts[1].removesuffix(".xml"))
                body, kind = _feed(port, feed, every_s), "rss+xml"
            else:
                body, kind = _page(int(parts[1]), int(parts[2]), paragraphs), "html"
            raw = body.encode()
            self.send_response(200)
            self.send_header(
                "Content-Type", f"{'text' if kind == 'html' else 'application'}/{kind}"
            )
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *_: object) -> None:
            """Say nothing: thousands of lines tell nobody anything."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield Feeds(server.server_address[1], every_s)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def title(feed: int, story: int) -> str:
    """Return a title of words that no other story has."""
    rng = random.Random(feed * 1_000_003 + story)
    one, two, three = (
        "".join(rng.choice(_CONSONANTS) + rng.choice(_VOWELS) for _ in range(4)).capitalize()
        for _ in range(3)
    )
    return f"{one} {rng.choice(_THINGS)} {rng.choice(_DEEDS)} near {two} {three}"


def _feed(port: int, feed: int, every_s: float) -> str:
    newest = int(time.time() / every_s)
    items = "".join(
        f"<item><title>{title(feed, story)}</title>"
        f"<link>http://127.0.0.1:{port}/story/{feed}/{story}</link>"
        f"<description>{(story * 37) % 900} points</description>"
        f"<pubDate>{datetime.fromtimestamp(story * every_s, UTC):%a, %d %b %Y %H:%M:%S} GMT"
        "</pubDate></item>"
        for story in range(newest, newest - SHOWN, -1)
    )
    return f'<rss version="2.0"><channel><title>Feed {feed}</title>{items}</channel></rss>'


def _page(feed: int, story: int, paragraphs: str) -> str:
    name = title(feed, story)
    return (
        f'<!doctype html><html lang="en"><head><title>{name}</title></head><body><article>'
        f"<h1>{name}</h1><p>The {name}, and {feed + 2} clocks lost {story % 50 + 2} seconds.</p>"
        f"{paragraphs}</article></body></html>"
    )


def _paragraphs() -> str:
    body = STORY.read_text(encoding="utf-8").rpartition("---\n")[2]
    return "".join(f"<p>{' '.join(one.split())}</p>" for one in body.split("\n\n") if one.strip())
