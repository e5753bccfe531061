from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookai.errors import Refused
from bookai.text.lists import sheet
from bookai.text.product_list import Product, check_products, parse_products

HEADER = "network,sku,name,category,price_minor,currency,commission_bps,url,terms\n"
ROW = "catalogue,A-1,Wall clock,clocks,3990,EUR,600,https://example.com/a,clock;Wall  Clock;clock\n"
PRODUCT = Product(
    network="catalogue",
    sku="A-1",
    name="Wall clock",
    category="clocks",
    price_minor=3990,
    currency="EUR",
    commission_bps=600,
    url="https://example.com/a",
    terms=("clock", "wall clock"),
)


def refusal(text: str | bytes) -> str:
    content = text.encode() if isinstance(text, str) else text
    with pytest.raises(Refused) as caught:
        parse_products(content, "my.csv")
    return str(caught.value)


def row(**changes: str) -> str:
    cells = dict(zip(HEADER.strip().split(","), ROW.strip().split(","), strict=True)) | changes
    return ",".join('"' + cell.replace('"', '""') + '"' for cell in cells.values()) + "\n"


def test_a_row_becomes_a_product_with_plain_terms() -> None:
    assert parse_products((HEADER + ROW).encode(), "my.csv") == (PRODUCT,)


def test_a_byte_order_mark_windows_lines_and_blank_lines_are_fine() -> None:
    text = "\ufeff" + (HEADER + "\n" + ROW + "\n\n").replace("\n", "\r\n")

    assert parse_products(text.encode(), "my.csv") == (PRODUCT,)


def test_columns_may_come_in_any_order_and_a_product_may_be_inactive() -> None:
    text = (
        "active,terms,url,commission_bps,currency,price_minor,category,name,sku,network\n"
        "no,clock;wall clock,https://example.com/a,600,EUR,3990,clocks,Wall clock,A-1,catalogue\n"
    )

    assert parse_products(text.encode(), "my.csv") == (
        PRODUCT.model_copy(update={"active": False}),
    )


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"price_minor": "39.90"}, "price_minor: '39.90' is not a whole number of minor units"),
        ({"price_minor": "-5"}, "price_minor: '-5' is not a whole number"),
        ({"price_minor": "٣"}, "price_minor: '٣' is not a whole number"),
        ({"price_minor": "0"}, "price_minor: '0' is not a whole number"),
        ({"price_minor": "9999999999"}, "from 1 to 1000000000"),
        ({"currency": "eur"}, "currency: 'eur' is not an ISO 4217 code"),
        ({"currency": "XXX"}, "currency: 'XXX' is not an ISO 4217 code"),
        ({"commission_bps": "10001"}, "commission_bps: '10001' is not"),
        ({"name": ""}, "name: is empty"),
        ({"name": "=HYPERLINK(1)"}, "name: begins with '='"),
        ({"name": "@sum"}, "name: begins with '@'"),
        ({"category": "+1"}, "category: begins with '+'"),
        ({"terms": "clock;-1+1"}, "terms: begins with '-'"),
        ({"name": "a\x07b"}, "name: holds the unprintable character U+0007"),
        ({"name": "a\u202eb"}, "name: holds the unprintable character U+202E"),
        ({"name": "x" * 201}, "name: has 201 characters, the limit is 200"),
        ({"sku": "a b"}, "sku: 'a b' is not a SKU"),
        ({"network": "My Net"}, "network: 'My Net' is not a network's name"),
        ({"url": "javascript:alert(1)"}, "url: 'javascript:alert(1)' is not a plain http"),
        ({"url": "https://user@example.com/"}, "is not a plain http or https URL"),
        ({"url": "https://example.com/a b"}, "is not a plain http or https URL"),
        ({"url": "http://localhost/"}, "is not a plain http or https URL"),
        ({"url": "https://example.com:99999/"}, "is not a URL"),
        ({"terms": " ; "}, "terms: has 0 terms"),
        ({"terms": ";".join(map(str, range(21)))}, "terms: has 21 terms"),
    ],
)
def test_a_bad_cell_is_named_with_its_line_and_fault(change: dict[str, str], fault: str) -> None:
    said = refusal(HEADER + ROW + row(**{"sku": "A-2", **change}))

    assert "my.csv: nothing was imported" in said
    assert f"line 3: {fault}" in said or (said.count("line 3: ") == 1 and fault in said)


def test_every_fault_is_named_not_only_the_first() -> None:
    said = refusal(HEADER + row(price_minor="x", currency="y") + ROW + row(sku="", url="z"))

    assert [line.split(":")[0] for line in said.splitlines()[1:]] == ["line 2"] * 2 + ["line 4"] * 2
    assert "4 faults" in said


def test_a_line_number_counts_line_breaks_inside_cells() -> None:
    said = refusal(HEADER + '\n"catalogue\n",A-1,n,c,1,EUR,1,https://example.com,t\n' + "x\n")

    assert "line 5: it has 1 cells, the header 9" in said


def test_the_same_sku_twice_is_named_with_its_first_line() -> None:
    assert "line 3: sku: 'A-1' of 'catalogue' is on line 2 already" in refusal(HEADER + ROW + ROW)


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "has no products"),
        (HEADER, "has no products"),
        ("network;sku\n", "'sku' is missing"),
        (HEADER.replace("terms", "term"), "'terms' is missing, 'term' is unknown"),
        (HEADER.replace("sku", "name"), "'name' is there twice"),
        ((HEADER + "caf\xe9").encode("latin-1"), "is not UTF-8: line 2 holds byte 0xe9"),
        (HEADER + '"open', "is no CSV: line 2"),
        (b"\x00\x01\x02PNG", "the first line must name the columns"),
        ("\x89PNG".encode("latin-1"), "is not UTF-8"),
        (b"x" * (sheet.MAX_BYTES + 1), "the limit is 8388608"),
        (HEADER + '"' + "x" * 200_000 + '"\n', "is no CSV: line 2: field larger than"),
        (HEADER + "x\n" * (sheet.MAX_ROWS + 1), "has more than 20000 rows"),
    ],
)
def test_a_file_that_is_no_product_list_is_refused(content: str | bytes, fault: str) -> None:
    assert fault in refusal(content)


def test_a_flood_of_faults_is_cut_and_counted() -> None:
    said = refusal(HEADER + "x\n" * 1000)

    assert "1000 faults" in said
    assert said.endswith("and 980 more")
    assert len(said) < 2000


@given(st.binary(max_size=300))
def test_any_bytes_are_products_or_a_refusal(content: bytes) -> None:
    with suppress(Refused):
        products = parse_products(HEADER.encode() + content, "my.csv")
        check_products(products)
        assert products


def test_records_are_judged_by_the_same_rules() -> None:
    check_products((PRODUCT,))
    bad = PRODUCT.model_copy(update={"currency": "ZZZ"})

    with pytest.raises(Refused, match=r"product 2: currency: 'ZZZ'.*\n.*product 2: sku:"):
        check_products((PRODUCT, bad))
