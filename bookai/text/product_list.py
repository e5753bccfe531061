"""Products as an operator hands them in: a CSV file, every row judged, all or nothing.

One row a product. Columns, in any order: network, sku, name, category, price_minor, currency,
commission_bps, url, terms; and, if wanted, active. `terms` are separated by semicolons.
"""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final
from urllib.parse import urlsplit

from bookai.errors import Refused
from bookai.models import Record

MAX_BYTES: Final = 8 * 1024 * 1024
MAX_ROWS: Final = 20_000
MAX_TERMS: Final = 20
MAX_TERM: Final = 60
_SHOWN = 20

REQUIRED = (
    *("network", "sku", "name", "category", "price_minor", "currency"),
    *("commission_bps", "url", "terms"),
)
OPTIONAL = ("active",)

# ISO 4217, the currencies in use; funds, metals and test codes are none of a shop's prices.
_CODES = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD "
    "CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS "
    "GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW "
    "KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR "
    "MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR "
    "SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX "
    "USD UYU UZS VES VND VUV WST XAF XCD XCG XOF XPF YER ZAR ZMW ZWG"
)
_CURRENCIES = frozenset(_CODES.split())
_NETWORK = re.compile(r"[a-z][a-z0-9_]{0,39}")
_SKU = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_WHOLE = re.compile(r"\d{1,10}")
_HOST = re.compile(r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9-]{1,63})+", re.I)
# A spreadsheet that opens an export of ours would run such a cell.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")


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
    for line, cells in _rows(_decode(content, name), name):
        if columns is None:
            columns = _header(cells, name)
            continue
        product, wrong = _product(columns, cells)
        if product:
            first = seen.setdefault((product.network, product.sku), line)
            if first != line:
                wrong = [f"sku: {product.sku!r} of {product.network!r} is on line {first} already"]
            products.append(product)
        faults += [f"line {line}: {fault}" for fault in wrong]
    if faults:
        raise Refused(_told(name, faults))
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
        raise Refused(_told("the list", faults))


def _decode(content: bytes, name: str) -> str:
    if len(content) > MAX_BYTES:
        raise Refused(f"{name} has {len(content)} bytes; the limit is {MAX_BYTES}. Split it.")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise Refused(
            f"{name} is not UTF-8: line {line} holds byte 0x{content[error.start]:02x}. "
            "Save it as 'CSV UTF-8'."
        ) from error


def _rows(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank with the line it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    count, line = 0, 1
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise Refused(f"{name} is no CSV: line {line}: {error}.") from error
        if any(cell.strip() for cell in cells):
            count += 1
            if count > MAX_ROWS + 1:
                raise Refused(f"{name} has more than {MAX_ROWS} rows. Split it.")
            yield line, cells
        line = reader.line_num + 1


def _header(cells: list[str], name: str) -> list[str]:
    columns = [cell.strip().lower() for cell in cells]
    wrong = [f"{column!r} is missing" for column in REQUIRED if column not in columns]
    wrong += [f"{c[:40]!r} is unknown" for c in columns if c not in REQUIRED + OPTIONAL]
    wrong += [f"{c!r} is there twice" for c in dict.fromkeys(columns) if columns.count(c) > 1]
    if wrong:
        raise Refused(
            f"{name}: the first line must name the columns: {', '.join(wrong[:_SHOWN])}. "
            f"Wanted: {','.join(REQUIRED)}"
        )
    return columns


def _product(columns: list[str], cells: list[str]) -> tuple[Product | None, list[str]]:
    if len(cells) != len(columns):
        return None, [f"it has {len(cells)} cells, the header {len(columns)}"]
    row = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
    values: dict[str, object] = {}
    wrong: list[str] = []
    for column, read in _READ.items():
        if column not in row:
            continue
        try:
            values[column] = read(row[column])
        except ValueError as error:
            wrong.append(f"{column}: {error}")
    return (None if wrong else Product.model_validate(values)), wrong


def _text(limit: int) -> Callable[[str], str]:
    def read(cell: str) -> str:
        if not cell:
            raise ValueError("is empty")
        if len(cell) > limit:
            raise ValueError(f"has {len(cell)} characters, the limit is {limit}")
        if _FORMULA.match(cell):
            raise ValueError(f"begins with {cell[0]!r}, which a spreadsheet takes for a formula")
        if found := _UNPRINTABLE.search(cell):
            raise ValueError(f"holds the unprintable character U+{ord(found[0]):04X}")
        return cell

    return read


def _matching(pattern: re.Pattern[str], wanted: str) -> Callable[[str], str]:
    def read(cell: str) -> str:
        if not pattern.fullmatch(cell):
            raise ValueError(f"{cell[:40]!r} is not {wanted}")
        return cell

    return read


def _whole(low: int, high: int, unit: str) -> Callable[[str], int]:
    def read(cell: str) -> int:
        if not (cell.isascii() and _WHOLE.fullmatch(cell)) or not low <= int(cell) <= high:
            raise ValueError(f"{cell[:40]!r} is not a whole number of {unit} from {low} to {high}")
        return int(cell)

    return read


def _currency(cell: str) -> str:
    if cell not in _CURRENCIES:
        raise ValueError(f"{cell[:40]!r} is not an ISO 4217 code such as 'EUR'")
    return cell


def _url(cell: str) -> str:
    text = _text(2000)(cell)
    try:
        parts = urlsplit(text)
        port_ok = parts.port is None or parts.port > 0
    except ValueError as error:
        raise ValueError(f"{cell[:60]!r} is not a URL") from error
    host = parts.hostname or ""
    is_web = parts.scheme in ("http", "https") and port_ok and _HOST.fullmatch(host)
    if not is_web or parts.username is not None or not re.fullmatch(r"[!-~]+", text):
        raise ValueError(f"{cell[:60]!r} is not a plain http or https URL")
    return text


def _terms(cell: str) -> tuple[str, ...]:
    terms = tuple(dict.fromkeys(" ".join(t.lower().split()) for t in cell.split(";") if t.strip()))
    if not 1 <= len(terms) <= MAX_TERMS:
        raise ValueError(f"has {len(terms)} terms; 1 to {MAX_TERMS}, separated by ';', are wanted")
    for term in terms:
        _text(MAX_TERM)(term)
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
    "network": _matching(_NETWORK, "a network's name (lower-case letters, digits, _)"),
    "sku": _matching(_SKU, "a SKU (letters, digits, . _ -, at most 64)"),
    "name": _text(200),
    "category": _text(60),
    "price_minor": _whole(1, 1_000_000_000, "minor units"),
    "currency": _currency,
    "commission_bps": _whole(0, 10_000, "basis points"),
    "url": _url,
    "terms": _terms,
    "active": _active,
}


def _told(name: str, faults: list[str]) -> str:
    shown = "\n".join(faults[:_SHOWN])
    more = f"\nand {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return f"{name}: nothing was imported, {len(faults)} faults:\n{shown}{more}"
