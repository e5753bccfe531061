"""A CSV file as an operator hands it in: its text, its columns, and cells judged one by one."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from bookai.errors import Refused

MAX_BYTES: Final = 8 * 1024 * 1024
MAX_ROWS: Final = 20_000
_SHOWN = 20

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
NETWORK = re.compile(r"[a-z][a-z0-9_]{0,39}")
_WHOLE = re.compile(r"-(?=0*[1-9])\d{1,12}|\d{1,12}")
# A spreadsheet that opens an export of ours would run such a cell.
_FORMULA = re.compile(r"[=+\-@\t\r]")
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]")


def decode(content: bytes, name: str) -> str:
    """Return a file's text; `name` is what the messages call it.

    Raises:
        Refused: it is too big, or not UTF-8.
    """
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


def rows_of(text: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield each row that is not blank with the line it begins on.

    Raises:
        Refused: it is no CSV, or has too many rows.
    """
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


def check_columns(
    cells: list[str], name: str, required: tuple[str, ...], optional: tuple[str, ...] = ()
) -> list[str]:
    """Return the columns that the first line names.

    Raises:
        Refused: one is missing, unknown or there twice.
    """
    columns = [cell.strip().lower() for cell in cells]
    wrong = [f"{column!r} is missing" for column in required if column not in columns]
    wrong += [f"{c[:40]!r} is unknown" for c in columns if c not in required + optional]
    wrong += [f"{c!r} is there twice" for c in dict.fromkeys(columns) if columns.count(c) > 1]
    if wrong:
        raise Refused(
            f"{name}: the first line must name the columns: {', '.join(wrong[:_SHOWN])}. "
            f"Wanted: {','.join(required)}"
        )
    return columns


def read_cells(
    columns: list[str], cells: list[str], readers: Mapping[str, Callable[[str], object]]
) -> tuple[dict[str, object], list[str]]:
    """Return a row's values by column, and every fault of it."""
    if len(cells) != len(columns):
        return {}, [f"it has {len(cells)} cells, the header {len(columns)}"]
    row = dict(zip(columns, (cell.strip() for cell in cells), strict=True))
    values: dict[str, object] = {}
    wrong: list[str] = []
    for column, read in readers.items():
        if column not in row:
            continue
        try:
            values[column] = read(row[column])
        except ValueError as error:
            wrong.append(f"{column}: {error}")
    return values, wrong


def told(name: str, faults: list[str]) -> str:
    """Return the message about a file's bad rows."""
    shown = "\n".join(faults[:_SHOWN])
    more = f"\nand {len(faults) - _SHOWN} more" if len(faults) > _SHOWN else ""
    return f"{name}: nothing was imported, {len(faults)} faults:\n{shown}{more}"


def text(limit: int) -> Callable[[str], str]:
    """Return what reads a cell of 1 to `limit` characters; `ValueError` tells the fault."""

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


def matching(pattern: re.Pattern[str], wanted: str) -> Callable[[str], str]:
    """Return what reads a cell of this pattern; `wanted` is it in words."""

    def read(cell: str) -> str:
        if not pattern.fullmatch(cell):
            raise ValueError(f"{cell[:40]!r} is not {wanted}")
        return cell

    return read


def whole(low: int, high: int, unit: str) -> Callable[[str], int]:
    """Return what reads a whole number of `unit`."""

    def read(cell: str) -> int:
        if not (cell.isascii() and _WHOLE.fullmatch(cell)) or not low <= int(cell) <= high:
            raise ValueError(f"{cell[:40]!r} is not a whole number of {unit} from {low} to {high}")
        return int(cell)

    return read


def currency(cell: str) -> str:
    """Read the code of a currency in use."""
    if cell not in _CURRENCIES:
        raise ValueError(f"{cell[:40]!r} is not an ISO 4217 code such as 'EUR'")
    return cell
