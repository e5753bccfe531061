"""Look into an EPUB without unpacking it: a ZIP is an easy place to hide too much."""

import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import unquote

from lxml import etree

from bookai.errors import Refused
from tools.sources.base import MIB, Material

MAX_ENTRIES = 5_000
MAX_UNPACKED = 300 * MIB
MAX_DOCUMENT = 5 * MIB


@dataclass(slots=True)
class Book:
    """An opened EPUB: `package` is its OPF document, `spine` its documents in reading order."""

    archive: zipfile.ZipFile
    where: str
    spent: int = 0
    package: Any = None
    spine: tuple[str, ...] = field(default=())

    def document(self, path: str) -> Any | None:
        """Return the parsed document at `path`, or None when there is none that parses.

        Raises:
            Refused: it is larger than a document of a book may be.
        """
        try:
            with self.archive.open(path) as entry:
                body = entry.read(MAX_DOCUMENT + 1)
        except (KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError):
            return None
        except RuntimeError as error:
            raise Refused(f"{self.where} is protected by a password.") from error
        self.spent += len(body)
        if len(body) > MAX_DOCUMENT or self.spent > MAX_UNPACKED:
            raise Refused(f"{self.where} unpacks to more than a book can be.")
        return parse_xml(body)


@contextmanager
def open_book(material: Material) -> Iterator[Book]:
    """Open an EPUB and find its package document.

    Raises:
        Refused: no EPUB, protected, or larger unpacked than a book can be.
    """
    where = material.where
    try:
        archive = zipfile.ZipFile(BytesIO(material.body))
    except (zipfile.BadZipFile, ValueError, OverflowError, NotImplementedError) as error:
        raise Refused(f"{where} is no readable EPUB ({error}).") from error
    with archive:
        entries = archive.infolist()
        # The sizes told here may lie; reading is limited again, document by document.
        if len(entries) > MAX_ENTRIES or sum(one.file_size for one in entries) > MAX_UNPACKED:
            raise Refused(
                f"{where} unpacks to more than a book can be: {len(entries)} files, "
                f"{sum(one.file_size for one in entries) / MIB:.0f} MiB."
            )
        if any(one.filename == "META-INF/rights.xml" for one in entries):
            raise Refused(f"{where} is protected (DRM); the studio does not open such books.")
        book = Book(archive, where)
        path = _package_path(book)
        book.package = book.document(path)
        if book.package is None:
            raise Refused(f"{where} is no EPUB: it has no package document.")
        book.spine = tuple(_spine(book.package, posixpath.dirname(path)))
        yield book


def parse_xml(body: bytes) -> Any | None:
    """Parse without entities, external parts or network; forgive what is not well-formed."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, recover=True, huge_tree=False
    )
    try:
        return etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        return None


def local(element: Any) -> str:
    """Return an element's name without its namespace, or "" for a comment."""
    return str(etree.QName(element).localname) if isinstance(element.tag, str) else ""


def _package_path(book: Book) -> str:
    container = book.document("META-INF/container.xml")
    if container is not None:
        for element in container.iter():
            if local(element) == "rootfile" and element.get("full-path"):
                return posixpath.normpath(str(element.get("full-path")))
    return next((name for name in book.archive.namelist() if name.endswith(".opf")), "")


def _spine(package: Any, folder: str) -> Iterator[str]:
    paths = {
        element.get("id"): element.get("href")
        for element in package.iter()
        if local(element) == "item" and "html" in (element.get("media-type") or "html")
    }
    for element in package.iter():
        href = paths.get(element.get("idref")) if local(element) == "itemref" else None
        if href:
            yield posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))
