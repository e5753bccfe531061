"""Products as an operator hands them in: a CSV file, every row judged, all or nothing.

One row a product. Columns, in any order: network, sku, name, category, price_minor, currency,
commission_bps, url, terms; and, if wanted, active. `terms` are separated by semicolons.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from bookai.errors import Refused
from bookai.models import Record
from bookai.text.lists.sheet import (
    NETWORK,
    check_columns,
    currency,
    decode,
    matching,
    read_cells,
    rows_of,
    text,
    told,
    whole,
)

MAX_TERMS: Final = 20
MAX_TERM: Final = 60

REQUIRED = (
    *("network", "sku", "name", "category", "price_minor", "currency"),
    *("commission_bps", "url", "terms"),
)
OPTIONAL = ("active",)

_SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9-]{1,63})+", re.I)


class Product(Record):
    """One row. `price_minor` is in the currency's smallest unit, `commission_bps` in 1/100 %."""

    network: str
    sku: str
    name: str
    category: str
    price_minor: int
    currency: str
    commission_bps: int
    url: str
    terms: tuple[str, ...]
    active: bool = True


def parse_products(content: bytes, name: str) -> tuple[Product, ...]:
    """Return the products of a CSV file; `name` is what the messages call it.

    Raises:
        Refused: the file is no such CSV, or rows are bad; each is named by its line and its fault.
    """
    products: list[Product] = []
    faults: list[str] = []
    seen: dict[tuple[str, str], int] = {}
    columns: list[str] | None = None
    for line, cells in rows_of(decode(content, name), name):
        if columns is None:
            columns = check_columns(cells, name, REQUIRED, OPTIONAL)
            continue
        product, wrong = _product(columns, cells)
        if product:
            first = seen.setdefault((product.network, product.sku), line)
            if first != line:
                wrong = [f"sku: {product.sku!r} of {product.network!r} is on line {first} already"]
            products.append(product)
        faults += [f"line {line}: {fault}" for fault in wrong]
    if faults:
        raise Refused(told(name, faults))
    if not products:
        raise Refused(f"{name} has no products: a header and one row for each are needed.")
    return tuple(products)


def check_products(products: tuple[Product, ...]) -> None:
    """Judge products that come from a program by the same rules as a file's rows.

    Raises:
        Refused: one is bad; each is named by its place, counted from 1.
    """
    faults: list[str] = []
    seen: set[tuple[str, str]] = set()
    for place, product in enumerate(products, 1):
        cells = {
            **{key: str(value) for key, value in product.model_dump(exclude={"terms"}).items()},
            "terms": ";".join(product.terms),
        }
        _, wrong = _product(list(cells), list(cells.values()))
        if (product.network, product.sku) in seen:
            wrong.append(f"sku: {product.sku!r} of {product.network!r} is there already")
        seen.add((product.network, product.sku))
        faults += [f"product {place}: {fault}" for fault in wrong]
    if faults:
        raise Refused(told("the list", faults))


def _product(columns: list[str], cells: list[str]) -> tuple[Product | None, list[str]]:
    values, wrong = read_cells(columns, cells, _READ)
    return (None if wrong else Product.model_validate(values)), wrong


def _url(cell: str) -> str:
    url = text(2000)(cell)
    try:
        parts = urlsplit(url)
        port_ok = parts.port is None or parts.port > 0
    except ValueError as error:
        raise ValueError(f"{cell[:60]!r} is not a URL") from error
    host = parts.hostname or ""
    is_web = parts.scheme in ("http", "https") and port_ok and _HOST.fullmatch(host)
    if not is_web or parts.username is not None or not re.fullmatch(r"[!-~]+", url):
        raise ValueError(f"{cell[:60]!r} is not a plain http or https URL")
    return url


def _terms(cell: str) -> tuple[str, ...]:
    terms = tuple(dict.fromkeys(" ".join(t.lower().split()) for t in cell.split(";") if t.strip()))
    if not 1 <= len(terms) <= MAX_TERMS:
        raise ValueError(f"has {len(terms)} terms; 1 to {MAX_TERMS}, separated by ';', are wanted")
    for term in terms:
        text(MAX_TERM)(term)
    return terms


def _active(cell: str) -> bool:
    known = {
        "true": True,
        "yes": True,
        "1": True,
        "": True,
        "false": False,
        "no": False,
        "0": False,
    }
    if cell.lower() not in known:
        raise ValueError(f"{cell[:40]!r} is neither 'yes' nor 'no'")
    return known[cell.lower()]


_READ: Mapping[str, Callable[[str], object]] = {
    "network": matching(NETWORK, "a network's name (lower-case letters, digits, _)"),
    "sku": matching(_SKU, "a SKU (letters, digits, . _ -, at most 64)"),
    "name": text(200),
    "category": text(60),
    "price_minor": whole(1, 1_000_000_000, "minor units"),
    "currency": currency,
    "commission_bps": whole(0, 10_000, "basis points"),
    "url": _url,
    "terms": _terms,
    "active": _active,
}
