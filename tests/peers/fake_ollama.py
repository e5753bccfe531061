"""A server on loopback that speaks Ollama's HTTP protocol, with the faults that real ones have."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

Fault = Literal[
    "none",
    "nonsense",  # a reply that is no JSON object
    "not_ollama",  # a stream line that is no JSON at all
    "empty",  # a reply without text
    "truncated",  # the stream ends without done: true
    "length",  # done, but cut at num_predict
    "fenced",  # the JSON inside a Markdown fence, after a think tag
    "busy",  # 503
    "missing",  # 404, the model is not there
    "crash",  # 500
    "html",  # 502 from a proxy in between
    "hang",  # takes the request and never answers
    "error_line",  # 200, then an error in the middle of the stream
    "reset",  # closes the connection in the middle
    "blanks",  # white space without end
    "forgetful",  # read only the end of the prompt
]
ERRORS = {
    "busy": (503, "server busy, please try again.  maximum pending requests exceeded"),
    "missing": (404, "model 'llama3.1:8b' not found"),
    "crash": (500, "llama runner process has terminated: signal: killed"),
}


class FakeOllama:
    """Answers `content` in small pieces; `faults` are used up one a chat request, in order."""

    def __init__(
        self,
        content: object = None,
        *,
        models: tuple[str, ...] = ("llama3.1:8b",),
        faults: tuple[Fault, ...] = (),
        tags_hang: bool = False,
    ) -> None:
        self.content = {"title": "T", "lines": []} if content is None else content
        self.models = models
        self.faults = list(faults)
        self.tags_hang = tags_hang
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.port = 0

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, path, _ = head[0].split(" ")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if ": " in line)
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.headers.append(headers)
            if (method, path) == ("GET", "/api/tags"):
                await self._tags(writer)
            elif (method, path) == ("POST", "/api/chat"):
                await self._chat(json.loads(body), writer)
            else:
                await _reply(writer, 404, {"error": "not found"})
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()

    async def _tags(self, writer: asyncio.StreamWriter) -> None:
        if self.tags_hang:
            await asyncio.Event().wait()
        models = [{"name": name, "model": name, "size": 1} for name in self.models]
        await _reply(writer, 200, {"models": models})

    async def _chat(self, request: dict[str, Any], writer: asyncio.StreamWriter) -> None:
        self.requests.append(request)
        fault = self.faults.pop(0) if self.faults else "none"
        if fault == "hang":
            await asyncio.Event().wait()
        if fault in ERRORS:
            status, message = ERRORS[fault]
            await _reply(writer, status, {"error": message})
            return
        if fault == "html":
            await _reply(writer, 502, "<html><body>Bad Gateway</body></html>")
            return
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/x-ndjson\r\n")
        writer.write(b"transfer-encoding: chunked\r\n\r\n")
        await self._stream(request["model"], fault, writer)

    async def _stream(self, model: str, fault: str, writer: asyncio.StreamWriter) -> None:
        text = self._text(fault)
        pieces = [text[at : at + 40] for at in range(0, len(text), 40)]
        if fault in {"truncated", "error_line", "reset"}:
            pieces = pieces[: max(1, len(pieces) // 2)]
        for piece in pieces:
            _chunk(writer, _message(model, piece))
            await writer.drain()
        if fault == "reset":
            writer.transport.abort()
            return
        if fault == "error_line":
            _chunk(writer, {"error": "an error was encountered while running the model"})
        elif fault == "not_ollama":
            _write(writer, b"data: [oops\n")
        elif fault != "truncated":
            _chunk(
                writer,
                _message(model, "")
                | {
                    "done": True,
                    "done_reason": "length" if fault == "length" else "stop",
                    "prompt_eval_count": 12 if fault == "forgetful" else 4000,
                    "eval_count": len(pieces),
                },
            )
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    def _text(self, fault: str) -> str:
        match fault:
            case "nonsense":
                return "Sure! Here is your script: " + "blah " * 30
            case "empty":
                return ""
            case "blanks":
                return "{" + "\n" * 4000
            case "fenced":
                return f"<think>Hm.</think>\n```json\n{json.dumps(self.content)}\n```"
            case _:
                return json.dumps(self.content)


@asynccontextmanager
async def running(fake: FakeOllama) -> AsyncIterator[FakeOllama]:
    """Serve `fake` on a free port; requests still open at the end are dropped."""
    open_requests: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_requests.add(task)
        try:
            await fake._serve(reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        finally:
            open_requests.discard(task)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()
        for task in tuple(open_requests):
            task.cancel()
        await server.wait_closed()


def _message(model: str, content: str) -> dict[str, Any]:
    return {
        "model": model,
        "created_at": "2026-11-24T12:00:00Z",
        "message": {"role": "assistant", "content": content},
        "done": False,
    }


def _chunk(writer: asyncio.StreamWriter, line: dict[str, Any]) -> None:
    _write(writer, json.dumps(line).encode() + b"\n")


def _write(writer: asyncio.StreamWriter, body: bytes) -> None:
    writer.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")


async def _reply(writer: asyncio.StreamWriter, status: int, body: object) -> None:
    text = (body if isinstance(body, str) else json.dumps(body)).encode()
    head = f"HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {len(text)}"
    writer.write(f"{head}\r\nconnection: close\r\n\r\n".encode() + text)
    await writer.drain()
