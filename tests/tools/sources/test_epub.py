import zipfile
from pathlib import Path

import pytest

from bookai.errors import Refused
from tests.peers.reading import tool_context
from tools.base import ToolContext
from tools.read_article import read_article
from tools.sources.intake import book

CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="epub/content.opf"/></rootfiles></container>'
)
LONG = " ".join(f"The tide of day {n} left a new line of shells on the sand." for n in range(20))


@pytest.fixture
def ctx(tmp_path: Path) -> ToolContext:
    return tool_context(tmp_path / "home")


def package(metadata: str, *documents: str) -> str:
    items = "".join(
        f'<item id="i{n}" href="{name}" media-type="application/xhtml+xml"/>'
        for n, name in enumerate(documents)
    )
    spine = "".join(f'<itemref idref="i{n}"/>' for n in range(len(documents)))
    return (
        '<package xmlns="http://www.idpf.org/2007/opf"><metadata '
        f'xmlns:dc="http://purl.org/dc/elements/1.1/">{metadata}</metadata>'
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>"
    )


def chapter(*paragraphs: str, heading: str = "The Shore", kind: str = "chapter") -> str:
    body = "".join(f"<p>{one}</p>" for one in paragraphs)
    return (
        '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
        f'<body><section epub:type="{kind}"><h2>{heading}</h2>{body}</section></body></html>'
    )


def write_book(path: Path, files: dict[str, str]) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip", zipfile.ZIP_STORED)
        archive.writestr("META-INF/container.xml", CONTAINER)
        for name, content in files.items():
            archive.writestr(name, content)
    return str(path)


async def test_a_long_description_is_the_article_of_a_book(
    ctx: ToolContext, tmp_path: Path
) -> None:
    metadata = (
        "<dc:title>Shells</dc:title><dc:creator>Ida Sund</dc:creator>"
        "<dc:language>en-GB</dc:language>"
        "<dc:publisher>Tide Press</dc:publisher><dc:identifier>url:https://tide.example/shells"
        "</dc:identifier><dc:rights>CC0</dc:rights><dc:description>Short.</dc:description>"
        f'<meta property="x:long-description">&lt;p&gt;{LONG}&lt;/p&gt;&lt;p&gt;It ends.&lt;/p&gt;'
        "</meta>"
    )
    source = write_book(tmp_path / "b.epub", {"epub/content.opf": package(metadata)})

    found = await read_article(ctx, source)

    assert found.text == f"{LONG}\n\nIt ends."
    assert (found.title, found.author, found.publisher, found.url, found.licence) == (
        "Shells",
        "Ida Sund",
        "Tide Press",
        "https://tide.example/shells",
        "CC0",
    )


async def test_without_a_description_the_first_chapter_is_read_and_the_title_says_so(
    ctx: ToolContext, tmp_path: Path
) -> None:
    files = {
        "epub/content.opf": package("<dc:title>Shells</dc:title>", "t/title.xhtml", "t/one.xhtml"),
        "epub/t/title.xhtml": chapter(LONG, kind="titlepage"),
        "epub/t/one.xhtml": chapter(LONG, 'It ends.<a epub:type="noteref" href="x">1</a>'),
    }

    found = await read_article(ctx, write_book(tmp_path / "b.epub", files))

    assert found.title == "Shells, opening chapter: The Shore"
    assert found.text == f"{LONG}\n\nIt ends."


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({}, "no package document"),
        ({"epub/content.opf": "<package/>"}, "neither a description"),
        ({"epub/content.opf": package("", "../../../etc/passwd")}, "neither a description"),
        ({"META-INF/rights.xml": "x", "epub/content.opf": "<package/>"}, "DRM"),
        ({"epub/content.opf": "<package>" + "<a>" * 3 * book.MAX_DOCUMENT}, "more than a book"),
        (
            {"epub/content.opf": "<package/>"} | {f"f{n}": "" for n in range(book.MAX_ENTRIES)},
            "more than a book can be: 500",
        ),
    ],
)
async def test_a_book_that_is_none_or_hides_too_much_is_refused(
    ctx: ToolContext, tmp_path: Path, files: dict[str, str], why: str
) -> None:
    with pytest.raises(Refused, match=why):
        await read_article(ctx, write_book(tmp_path / "b.epub", files))


async def test_entities_are_neither_expanded_nor_fetched(ctx: ToolContext, tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("never read this")
    prolog = f'<!DOCTYPE html [<!ENTITY s SYSTEM "{secret.as_uri()}"><!ENTITY k "kaboom">]>'
    files = {
        "epub/content.opf": package("<dc:title>T</dc:title>", "one.xhtml"),
        "epub/one.xhtml": prolog + chapter(LONG, "Here: &s; &k; end."),
    }

    found = await read_article(ctx, write_book(tmp_path / "b.epub", files))

    assert "never read" not in found.text
    assert "kaboom" not in found.text


def damage(path: str) -> str:
    body = bytearray(Path(path).read_bytes())
    middle = body.index(b"epub/content.opf") + 30
    body[middle : middle + 40] = b"\xff" * 40
    Path(path).write_bytes(bytes(body))
    return path


async def test_a_damaged_entry_is_no_crash(ctx: ToolContext, tmp_path: Path) -> None:
    files = {"epub/content.opf": package("", "a") * 9}

    with pytest.raises(Refused):
        await read_article(ctx, damage(write_book(tmp_path / "b.epub", files)))
