from datetime import UTC, datetime

import pytest

from tools.sources.intake.front_matter import read_date, reading_from, split_front_matter


def test_toml_settings_are_read_like_yaml_ones() -> None:
    text = '+++\ntitle = "Call: now"\nauthors = ["A", "B"]\ndate = 2024-11-04\n[x]\ny=1\n+++\nBody'

    values, body = split_front_matter(text)

    assert body == "Body"
    assert (values["title"], values["authors"], values["date"]) == (
        ("Call: now",),
        ("A", "B"),
        ("2024-11-04",),
    )


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ('title: "a: b"', "a: b"),
        ("title: 'it''s'", "it's"),
        ("title: plain # remark", "plain"),
        ("title: C# today", "C# today"),
        ("title: https://x.example/#part", "https://x.example/#part"),
    ],
)
def test_values_lose_their_quotes_and_remarks_only(line: str, value: str) -> None:
    values, _ = split_front_matter(f"---\n{line}\n---\nx")

    assert values["title"] == (value,)


@pytest.mark.parametrize(
    "text", ["---\nJust a paragraph.\n---\nx", "---\nno end", "+++\nnot = = toml\n+++\nx", "a: b"]
)
def test_what_is_no_front_matter_is_text(text: str) -> None:
    assert split_front_matter(text) == ({}, text)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2026-10-05", datetime(2026, 10, 5, tzinfo=UTC)),
        ("2026-10-05 09:30:00 +0200", datetime(2026, 10, 5, 7, 30, tzinfo=UTC)),
        ("2026-10-05T09:30:00Z", datetime(2026, 10, 5, 9, 30, tzinfo=UTC)),
        ("2026-10-05 09:30 UTC", datetime(2026, 10, 5, 9, 30, tzinfo=UTC)),
        ("yesterday", None),
        ("2026-13-45", None),
        ("", None),
    ],
)
def test_dates_become_aware_utc_or_nothing(text: str, at: datetime | None) -> None:
    assert read_date(text) == at


def test_a_dated_file_name_stands_in_for_a_missing_date() -> None:
    found = reading_from({}, ("x",), title="t", name="2015-04-21-hackathons.md")

    assert found.published_at == datetime(2015, 4, 21, tzinfo=UTC)
