"""The approval card in a real browser, inside a host of ours: looked at, and used."""

import asyncio
import io
import socket
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import imageio_ffmpeg
import pytest
from PIL import Image

from bookai.settings import Settings
from tests.studio.cards.browser import Chromium, chromium, find_chromium
from tests.studio.cards.host import hosted
from tests.studio.cards.test_cards import calling
from tests.studio.web.conftest import CAPTIONS, House, served

PROGRAM = find_chromium()
pytestmark = pytest.mark.skipif(PROGRAM is None, reason="no Chromium on this machine")

HAS_FILM = "document.getElementById('film')?.readyState >= 2"


@dataclass(frozen=True)
class Chat:
    """A browser that shows our host, with the card in it."""

    browser: Chromium
    card: str
    url: str
    width: int

    async def again(self, query: str) -> "Chat":
        """Open the chat in another window of the browser."""
        await self.browser.open(f"{self.url}{query}", width=self.width, height=1400)
        opened = replace(self, card=await self.browser.frame())
        await opened.sees("document.querySelector('h1') !== null")
        return opened

    async def sees(self, expression: str) -> None:
        await self.browser.becomes(self.card, expression)

    async def text(self) -> str:
        return str(await self.browser.value(self.card, "document.body.innerText"))

    async def click(self, button: str) -> None:
        await self.browser.value(self.card, f"document.getElementById('{button}').click()")

    async def types(self, words: str) -> None:
        await self.browser.value(self.card, f"document.getElementById('reason').value = {words!r}")

    async def host(self, name: str) -> list[object]:
        """Return what the host noted under this name."""
        noted = await self.browser.value(self.browser.page, f"window.{name}")
        assert isinstance(noted, list)
        return noted


@pytest.fixture
async def house(settings: Settings) -> AsyncIterator[House]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    # The links of a card name the port, so it has to be known before.
    async with served(settings.model_copy(update={"http_port": port}), port) as opened:
        yield opened


@pytest.fixture(scope="module")
def files() -> Mapping[str, bytes]:
    """Return a film of two seconds that a browser can play, and its picture."""
    picture = io.BytesIO()
    Image.new("RGB", (270, 480), "#2f2bd6").save(picture, "JPEG")
    encode = [
        *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi"),
        *("-i", "testsrc=size=270x480:rate=10:duration=5", "-pix_fmt", "yuv420p"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-f", "mp4"),
        *("-movflags", "frag_keyframe+empty_moov", "-"),
    ]
    film = subprocess.run(encode, check=True, capture_output=True, timeout=60).stdout
    return {"video.mp4": film, "thumbnail.jpg": picture.getvalue(), "captions.vtt": CAPTIONS}


@asynccontextmanager
async def chatting(
    house: House, folder: Path, *, query: str = "", width: int = 800
) -> AsyncIterator[Chat]:
    assert PROGRAM is not None
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(calling(house))
        url = await stack.enter_async_context(hosted(client))
        browser = await stack.enter_async_context(chromium(PROGRAM, folder / "profile"))
        chat = await Chat(browser, "", url, width).again(query)
        yield chat
        assert browser.complaints == []
        assert await chat.host("strange") == []


async def test_an_operator_looks_and_approves_on_the_card(
    house: House, files: Mapping[str, bytes], tmp_path: Path
) -> None:
    number = await house.ask(files=files)
    async with chatting(house, tmp_path) as chat:
        await chat.sees(HAS_FILM)
        await chat.sees("!document.getElementById('yes').disabled")
        shown = await chat.text()
        await chat.browser.picture(tmp_path / "card.png")
        await chat.click("yes")
        await chat.sees("document.querySelector('.verdict') !== null")
        decided = await chat.text()
        told = await chat.host("contexts")

    for words in ("Owls see behind themselves", "AI-made", "loudness", "Claims nothing"):
        assert words in shown
    assert "approved by anna" in decided
    assert await house.state(number) == "approved"
    row, *_ = await house.audited("approval.decided")
    assert row.startswith("operator:anna")
    assert [f"approve to approval {number}" in str(one) for one in told] == [True]


@pytest.mark.browser
async def test_a_no_needs_a_reason_and_an_answer_elsewhere_is_told(
    house: House, files: Mapping[str, bytes], tmp_path: Path
) -> None:
    first, second = await house.ask(files=files), await house.ask(files=files, title="Owls again")
    async with chatting(house, tmp_path) as chat:
        await chat.click("no")
        alert = await chat.text()
        await chat.types("the owl is a pigeon")
        await chat.click("no")
        await chat.sees("document.querySelector('.verdict') !== null")
        verdict = await chat.text()

        await house.office.desk.decide_approval(second, False, "no owls", "operator:carol")
        await chat.browser.value(chat.card, "document.querySelectorAll('#queue button')[1].click()")
        await chat.sees(HAS_FILM)
        await chat.click("yes")
        await chat.sees("!document.getElementById('alert').hidden")
        late = await chat.text()
        asked = [one for one in await chat.host("calls") if "decide" in str(one)]

    assert "Say why you reject it" in alert
    assert "rejected by anna" in verdict
    assert (await house.state(first), await house.state(second)) == ("rejected", "rejected")
    assert "rejected by operator:carol" in late
    assert len(asked) == 2


@pytest.mark.browser
async def test_a_hostile_post_stays_text_and_a_changed_film_gets_no_yes(
    house: House, files: Mapping[str, bytes], tmp_path: Path
) -> None:
    attack = "<img src=x onerror=parent.postMessage(1,'*')><script>alert(1)</script>"
    number = await house.ask(
        files=files,
        title=attack,
        caption=attack,
        source_credit=attack,
        source_url="javascript:alert(1)",
    )
    row = await house.office.desk.get_approval(number)
    await asyncio.to_thread(Path(row.video_path).write_bytes, b"another film")
    async with chatting(house, tmp_path, query="?theme=dark", width=420) as chat:
        shown = await chat.text()
        elements = await chat.browser.value(
            chat.card, "document.querySelectorAll('img, a, script:not(body > script)').length"
        )
        closed = await chat.browser.value(chat.card, "document.getElementById('yes').disabled")
        await chat.browser.picture(tmp_path / "hostile.png")

    assert shown.count("onerror") == 3
    assert (elements, closed) == (0, True)
    assert "cannot be shown" in shown


@pytest.mark.browser
async def test_yes_stays_shut_until_the_film_was_there_or_opened(
    house: House, tmp_path: Path
) -> None:
    # These files carry the marks of a film, and no browser can play them.
    await house.ask()
    async with chatting(house, tmp_path) as chat:
        await chat.sees("document.getElementById('film') === null")
        before = await chat.browser.value(chat.card, "document.getElementById('yes').disabled")
        await chat.click("open")
        await chat.sees("!document.getElementById('yes').disabled")
        [opened] = await chat.host("opened")
        mute = await chat.again("?mute")
        told = await mute.text()

    assert before is True
    assert str(opened).startswith(f"{house.settings.web_url}/m/")
    assert "This client lets no card act" in told
