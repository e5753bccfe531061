import os
import socket
import stat
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bookai.errors import Refused, TryLater
from tests.peers.reading import no_network, tool_context
from tests.peers.web_server import MIB, Page, WebServer, article
from tools.base import ToolContext
from tools.net.gate import Gate
from tools.read_article import read_article

DATA = Path(__file__).resolve().parents[1] / "data" / "articles"
STORY = "The river rose by two metres on Sunday. Nobody was hurt, the mayor said.\n"


@pytest.fixture
async def web() -> AsyncIterator[WebServer]:
    async with WebServer() as server:
        yield server


@pytest.fixture
def ctx(tmp_path: Path) -> ToolContext:
    return tool_context(tmp_path / "home", fetch=Gate(allow_private=("127.0.0.1",), timeout_s=5))


def write(path: Path, content: str | bytes) -> str:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


async def test_a_text_becomes_an_article_with_its_first_line_as_title(
    ctx: ToolContext, tmp_path: Path
) -> None:
    source = write(tmp_path / "flood.txt", f"Flood in the old town\n\n{STORY}\nIt is over.\n")

    found = await read_article(ctx, source)

    assert found.title == "Flood in the old town"
    assert found.text == f"{STORY.strip()}\n\nIt is over."
    assert (found.publisher, found.language, found.published_at) == ("flood.txt", "en", None)
    assert found.fetched_at.utcoffset() is not None


async def test_a_file_is_named_without_the_folder_it_lies_in(
    ctx: ToolContext, tmp_path: Path
) -> None:
    found = await read_article(ctx, write(tmp_path / "my story.txt", STORY))

    assert found.url == f"file:my%20story.txt#{found.sha256[:12]}"
    assert found.title == "My story"


async def test_markdown_is_stripped_to_its_prose_and_keeps_its_front_matter(
    ctx: ToolContext,
) -> None:
    found = await read_article(ctx, str(DATA / "owls.md"))

    assert found.text.split("\n\n") == [
        "An owl's wing is almost silent. Its front edge is a comb, as the lab showed, and the comb "
        "breaks the air.",
        "- A barn owl flew through a tunnel.",
        "- Eight microphones listened, with gain = 4, all of them calibrated.",
        "It was like recording nothing, said Ida Sund, who led the work with snake_case_names.",
        "The results cost 5* less & took two years .",
    ]
    assert (found.title, found.publisher, found.url, found.author, found.licence) == (
        'Owls: "silent" by design',
        "Feather & Bone",
        "https://feather.example/owls",
        "Ida Sund, Tom Reyes",
        "CC BY 4.0",
    )
    assert found.language == "en"
    assert found.published_at == datetime(2026, 10, 5, 7, 30, tzinfo=UTC)


async def test_a_page_gives_its_article_without_what_stands_around_it(ctx: ToolContext) -> None:
    found = await read_article(ctx, str(DATA / "tram.html"))

    paragraphs = found.text.split("\n\n")
    assert paragraphs[0].endswith("the city's transport board said on Friday.")
    assert "- The last one comes back at 4:45." in paragraphs
    assert '"We did not expect this," said Jonas Weir, who plans the network.' in paragraphs
    for noise in ("Sport", "2.40", "tracking", "Every half hour", "offers", "rights"):
        assert noise not in found.text
    assert (found.title, found.publisher, found.author) == (
        "Night trams return to the harbour",
        "The Quay Courier",
        "Mara Linde",
    )
    assert found.published_at == datetime(2026, 11, 20, tzinfo=UTC)


async def test_a_fetched_page_is_credited_to_where_it_was_found(
    ctx: ToolContext, web: WebServer
) -> None:
    claim = b'<link rel="canonical" href="https://famous.example/x"></head>'
    body = article("A small page", STORY, STORY).replace(b"</head>", claim)
    web.pages["/story"] = Page(body)

    found = await read_article(ctx, web.url("/story"))

    assert found.url == web.url("/story")
    assert found.publisher == "127.0.0.1"


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("empty.txt", b"", "is empty"),
        ("blank.md", b" \n\t\n", "is empty"),
        ("mark.txt", b"\xef\xbb\xbf", "is empty"),
        ("picture.txt", b"\x89PNG\r\n\x1a\n" + bytes(99), "a picture"),
        ("paper.md", b"%PDF-1.7\n%\xe2\xe3", "a PDF"),
        ("letter.txt", b"PK\x03\x04" + bytes(99), "a ZIP archive or an office document"),
        ("noise.txt", bytes(range(256)) * 9, "binary data"),
        ("nul.txt", b"text and\x00 more", "binary data"),
        ("code.md", "```\nx = 1\n```\n\n# Heading\n", "has no text in it"),
        ("hidden.txt", "\u200b\u202e\ufeff\n", "has no text in it"),
        ("key.txt", "x" * 10_000, "a word of over 200 characters"),
        ("menu.html", b"<html><body><nav><a href=/>Home</a></nav></body></html>", "no article"),
        ("list.html", b"<html><ul><li><a href=/>One</a><li>Two</ul></html>", "no article"),
        (
            "app.html",
            b"<html><body><p>You need to enable JavaScript to run this app.</p></body></html>",
            "only with JavaScript",
        ),
        ("book.epub", b"PK\x03\x04 no book", "no readable EPUB"),
    ],
)
async def test_what_holds_no_article_is_refused_by_name_with_the_reason(
    ctx: ToolContext, tmp_path: Path, name: str, content: str | bytes, why: str
) -> None:
    with pytest.raises(Refused, match=why) as caught:
        await read_article(ctx, write(tmp_path / name, content))

    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_a_text_of_50_mb_is_refused_with_its_size_and_the_limit(
    ctx: ToolContext, tmp_path: Path
) -> None:
    big = tmp_path / "big.txt"
    with big.open("wb") as file:
        file.write(STORY.encode())
        file.truncate(50 * MIB)

    with pytest.raises(Refused, match=r"big\.txt' is 50\.0 MiB; the limit .* is 5 MiB"):
        await read_article(ctx, str(big))


@pytest.mark.parametrize(
    "source", ["", "   ", "/no/such/file.txt", "no-such.md", "\x00", "a" * 999]
)
async def test_what_is_no_file_is_refused(ctx: ToolContext, source: str) -> None:
    with pytest.raises(Refused):
        await read_article(ctx, source)


async def test_a_folder_is_refused_with_the_mend(ctx: ToolContext, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=r"is a folder\. Give one file in it"):
        await read_article(ctx, str(tmp_path))


async def test_a_pipe_is_refused_without_waiting_for_it(ctx: ToolContext, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")

    with pytest.raises(Refused, match="a pipe, a socket or a device"):
        await read_article(ctx, str(tmp_path / "pipe.txt"))


async def test_a_socket_and_a_device_are_refused(ctx: ToolContext, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "s"))
        for source in (str(tmp_path / "s"), "/dev/zero"):
            with pytest.raises(Refused, match="a pipe, a socket or a device"):
                await read_article(ctx, source)


@pytest.mark.parametrize(
    "name", [".env", ".ssh/id_ed25519", "home/audit/key.txt", "home/studio.toml"]
)
async def test_a_hidden_file_and_the_studios_own_are_not_read(
    ctx: ToolContext, tmp_path: Path, name: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    link = tmp_path / "innocent.txt"
    link.symlink_to(path)

    for source in (write(path, STORY), str(link)):
        with pytest.raises(Refused, match="are not read"):
            await read_article(ctx, source)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="this system has no /proc")
async def test_a_process_own_settings_are_not_read(ctx: ToolContext) -> None:
    with pytest.raises(Refused, match="are not read"):
        await read_article(ctx, "/proc/self/environ")


async def test_a_file_that_may_not_be_read_is_refused(ctx: ToolContext, tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read every file")
    locked = tmp_path / "locked.txt"
    locked.write_text(STORY)
    locked.chmod(stat.S_IWUSR)

    with pytest.raises(Refused, match="may not be read"):
        await read_article(ctx, str(locked))


@pytest.mark.parametrize("source", ["file:///etc/hostname", "ftp://x/y.txt", "data://text,x"])
async def test_only_web_addresses_are_fetched(ctx: ToolContext, source: str) -> None:
    with pytest.raises(Refused, match="neither http nor https"):
        await read_article(ctx, source)


async def test_a_missing_page_and_a_redirect_inside_are_refused(
    ctx: ToolContext, web: WebServer
) -> None:
    for path, why in (("/404", "there is no page"), ("/to-private", "a private address")):
        with pytest.raises(Refused, match=why):
            await read_article(ctx, web.url(path))


async def test_a_host_that_never_answers_may_answer_later(web: WebServer, tmp_path: Path) -> None:
    ctx = tool_context(tmp_path, fetch=Gate(allow_private=("127.0.0.1",), timeout_s=0.3))

    with pytest.raises(TryLater, match="did not answer in full"):
        await read_article(ctx, web.url("/hang"))


@pytest.mark.parametrize(("path", "why"), [("/picture", "a picture"), ("/empty", "is empty")])
async def test_a_url_that_is_no_text_is_refused(
    ctx: ToolContext, web: WebServer, path: str, why: str
) -> None:
    with pytest.raises(Refused, match=why):
        await read_article(ctx, web.url(path))


async def test_a_feed_is_no_article_and_says_which_tool_reads_it(ctx: ToolContext) -> None:
    with pytest.raises(Refused, match=r"is a feed of 3 items.*search_sources"):
        await read_article(ctx, str(DATA.parent / "feeds" / "points.rss.xml"))


async def test_an_article_of_three_words_is_still_one(ctx: ToolContext, tmp_path: Path) -> None:
    found = await read_article(ctx, write(tmp_path / "short.txt", "Cats sleep well."))

    assert (found.text, found.language) == ("Cats sleep well.", "en")


async def test_right_to_left_text_is_kept_and_its_overrides_are_dropped(
    ctx: ToolContext, tmp_path: Path
) -> None:
    text = (
        "\u202eارتفع منسوب النهر مترين يوم الأحد، ولم يصب أحد بأذى، "  # noqa: RUF001
        "كما قال رئيس البلدية للصحفيين.\u202c"
    )

    found = await read_article(ctx, write(tmp_path / "rtl.txt", text))

    assert found.text == text.strip("\u202e\u202c")
    assert found.language == "ar"


async def test_marks_that_mean_something_elsewhere_are_kept_as_they_are(
    ctx: ToolContext, tmp_path: Path
) -> None:
    text = "It's 100% \\ true: {x} <b> & $1; 'so' 👩\u200d🚀 said “Zoë”\u00a0… fin\u200bal."

    found = await read_article(ctx, write(tmp_path / "odd.txt", text))

    assert found.text == "It's 100% \\ true: {x} <b> & $1; 'so' 👩\u200d🚀 said \"Zoë\" … final."


async def test_a_paragraph_with_an_endless_word_is_left_out(
    ctx: ToolContext, tmp_path: Path
) -> None:
    source = write(tmp_path / "key.txt", f"{STORY}\nThe key is {'x' * 10_000} today.\n\nIt ends.")

    assert (await read_article(ctx, source)).text == f"{STORY.strip()}\n\nIt ends."


async def test_a_script_without_spaces_is_no_endless_word(ctx: ToolContext, tmp_path: Path) -> None:
    text = "河水在星期天上涨了两米没有人受伤市长说" * 15 + "。"

    assert (await read_article(ctx, write(tmp_path / "zh.txt", text))).text == text


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32", "cp1252"])
async def test_common_encodings_are_understood(
    ctx: ToolContext, tmp_path: Path, encoding: str
) -> None:
    source = write(tmp_path / "zoe.txt", "Zoë paid 5 € for it.".encode(encoding))

    assert (await read_article(ctx, source)).text == "Zoë paid 5 € for it."


async def test_the_servers_charset_is_honoured(ctx: ToolContext, web: WebServer) -> None:
    web.pages["/ru.txt"] = Page(
        "Река поднялась на два метра.".encode("koi8-r"), "text/plain; charset=koi8-r"
    )

    assert (await read_article(ctx, web.url("/latin-1"))).text == "Zoë paid 5 €."
    assert (await read_article(ctx, web.url("/ru.txt"))).text == "Река поднялась на два метра."


async def test_nothing_is_fetched_for_a_path(tmp_path: Path) -> None:
    found = await read_article(tool_context(tmp_path, fetch=no_network), str(DATA / "tram.html"))

    assert found.url.startswith("file:tram.html#")
