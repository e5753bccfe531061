"""A headless Chromium, driven over its debugging pipe: no driver to install, no port to guess."""

import asyncio
import base64
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    *("--headless=new", "--remote-debugging-pipe", "--no-first-run", "--hide-scrollbars"),
    *("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
_BLOCK_BYTES = 1 << 20
START_S = 60.0


def find_chromium() -> str | None:
    """Return the browser of this machine, if it has one."""
    named = os.environ.get("BOOKAI_CHROMIUM")
    return named or next(filter(None, map(shutil.which, _NAMES)), None)


class Chromium:
    """One browser with one page; frames of other origins have sessions of their own."""

    def __init__(self, reader: asyncio.StreamReader, writer: int) -> None:
        self._reader = reader
        self._writer = writer
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self.page = ""
        self.frames: asyncio.Queue[str] = asyncio.Queue()
        self.complaints: list[str] = []

    async def listen(self) -> None:
        """Take in what the browser says, until it is gone."""
        held = b""
        while block := await self._reader.read(_BLOCK_BYTES):
            *whole, held = (held + block).split(b"\0")
            for message in map(json.loads, whole):
                self._take(message)

    def _take(self, message: dict[str, Any]) -> None:
        if (number := message.get("id")) is not None:
            asked = self._asked.pop(number)
            if not asked.done():
                asked.set_result(message)
            return
        told = message["params"]
        match message["method"]:
            case "Target.attachedToTarget" if told["targetInfo"]["type"] == "iframe":
                self.frames.put_nowait(told["sessionId"])
            case "Log.entryAdded" if told["entry"]["level"] == "error":
                self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
            case "Runtime.exceptionThrown":
                details = told["exceptionDetails"]
                self.complaints.append(str(details.get("exception", details)))
            case _:
                pass

    async def ask(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        number = next(self._numbers)
        self._asked[number] = asyncio.get_running_loop().create_future()
        message = {"id": number, "method": method, "params": params}
        if session is not None:
            message["sessionId"] = session
        os.write(self._writer, json.dumps(message).encode() + b"\0")
        answer = await self._asked[number]
        assert "error" not in answer, f"{method}: {answer['error']}"
        result: dict[str, Any] = answer["result"]
        return result

    async def open(self, url: str, *, width: int, height: int) -> None:
        """Open the page, and hear of errors in it."""
        made = await self.ask("Target.createTarget", url="about:blank")
        attached = await self.ask("Target.attachToTarget", targetId=made["targetId"], flatten=True)
        self.page = attached["sessionId"]
        await self.ask(
            "Emulation.setDeviceMetricsOverride",
            self.page,
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        await self.ask(
            "Target.setAutoAttach",
            self.page,
            autoAttach=True,
            waitForDebuggerOnStart=False,
            flatten=True,
        )
        await self.watch(self.page)
        await self.ask("Page.navigate", self.page, url=url)

    async def frame(self) -> str:
        """Return the session of the next frame, and hear of errors in it too."""
        session = await self.frames.get()
        await self.watch(session)
        return session

    async def watch(self, session: str) -> None:
        for domain in ("Log", "Runtime"):
            await self.ask(f"{domain}.enable", session)

    async def value(self, session: str, expression: str) -> Any:
        """Return what an expression comes to, in a page or a frame; promises are awaited."""
        answer = await self.ask(
            "Runtime.evaluate",
            session,
            expression=expression,
            returnByValue=True,
            awaitPromise=True,
            userGesture=True,
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    async def becomes(self, session: str, expression: str) -> None:
        """Wait until an expression is true; the browser looks at each change of the page."""
        await self.value(
            session,
            f"""new Promise((resolve) => {{
                const look = () => ({expression}) && resolve(clearInterval(timer));
                const timer = setInterval(look, 20);
            }})""",
        )

    async def picture(self, into: Path) -> None:
        """Write down what the page looks like."""
        shot = await self.ask("Page.captureScreenshot", self.page, format="png")
        await asyncio.to_thread(into.write_bytes, base64.b64decode(shot["data"]))


@asynccontextmanager
async def chromium(program: str, home: Path) -> AsyncIterator[Chromium]:
    """Start a browser with a profile of its own, and end it with all its processes."""
    told_r, told_w = os.pipe()
    says_r, says_w = os.pipe()
    # The browser reads its commands from 3 and answers on 4.
    line = f'exec "$0" "$@" 3<&{told_r} 4>&{says_w}'
    process = await asyncio.create_subprocess_exec(
        "/bin/bash",
        "-c",
        line,
        program,
        *_FLAGS,
        f"--user-data-dir={home}",
        "about:blank",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        pass_fds=(told_r, says_w),
        start_new_session=True,
    )
    os.close(told_r)
    os.close(says_w)
    reader = asyncio.StreamReader(limit=_BLOCK_BYTES)
    loop = asyncio.get_running_loop()
    pipe = os.fdopen(says_r, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    browser = Chromium(reader, told_w)
    listening = asyncio.create_task(browser.listen())
    try:
        async with asyncio.timeout(START_S):
            await browser.ask("Browser.getVersion")
        yield browser
    finally:
        os.close(told_w)
        try:
            async with asyncio.timeout(10):
                await process.wait()
        except TimeoutError:
            os.killpg(process.pid, 9)
            await process.wait()
        await asyncio.wait({listening}, timeout=5)
        listening.cancel()
        transport.close()
