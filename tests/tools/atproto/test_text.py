from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bookai.errors import Refused
from bookai.models import Flags, Post
from tools.atproto.ids import blob_cid, record_key
from tools.atproto.text import MAX_BYTES, MAX_GRAPHEMES, compose, count_graphemes

POST = Post(
    platform="bluesky",
    account="studio.test",
    title="Clocks that agree",
    caption="Clocks agree.\n\nSource: Wikinews: https://example.org/clocks",
    hashtags=("#Clocks", "#Seconds"),
    flags=Flags(),
    source_url="https://example.org/clocks",
    source_credit="Source: Wikinews",
    language="en",
    video_sha256="a" * 64,
    thumbnail_sha256="b" * 64,
    captions_sha256="c" * 64,
    transcript="Clocks agree.",
)
AD = {
    "offer_name": "A clock",
    "offer_url": "https://example.com/c",
    "disclosure": "Ad: we may earn a commission.",
    "flags": Flags(paid_promotion=True),
}


def saying(**changes: Any) -> Post:
    return POST.model_copy(update=changes)


def marked(text: str, facet: Mapping[str, Any]) -> str:
    index = facet["index"]
    return text.encode()[index["byteStart"] : index["byteEnd"]].decode()


def test_what_must_be_said_stands_in_the_text() -> None:
    text = compose(saying(**AD)).text

    assert text == (
        "Ad: we may earn a commission.\n\nClocks agree.\n\n→ A clock\n\nSource: Wikinews\n"
        "AI-made: voice and pictures\n#Clocks #Seconds"
    )


def test_an_ad_without_words_of_its_own_gets_ours() -> None:
    text = compose(saying(flags=Flags(paid_promotion=True), language="de")).text

    assert text.startswith("Enthält Werbung\n\n")
    assert "KI-erzeugt" in text


def test_links_are_marked_by_bytes_also_behind_other_scripts() -> None:
    rich = compose(saying(caption="Часы 🕰️ https://example.org/часы, и всё."))

    assert [marked(rich.text, facet) for facet in rich.facets] == [
        "https://example.org/часы",
        "Source: Wikinews",
        "#Clocks",
        "#Seconds",
    ]


@given(
    st.text(max_size=1500), st.lists(st.text(min_size=1, max_size=30), max_size=6), st.booleans()
)
def test_every_caption_fits_and_loses_neither_disclosure_nor_label(
    caption: str, hashtags: list[str], is_ad: bool
) -> None:
    post = saying(caption=caption, hashtags=tuple(hashtags), **(AD if is_ad else {}))

    rich = compose(post)

    assert count_graphemes(rich.text) <= MAX_GRAPHEMES
    assert len(rich.text.encode()) <= MAX_BYTES
    assert rich.text.startswith(str(AD["disclosure"])) or not is_ad
    assert "AI-made: voice and pictures" in rich.text
    assert "Source: Wikinews" in rich.text
    for facet in rich.facets:
        assert marked(rich.text, facet)


def test_what_must_be_said_and_does_not_fit_is_refused() -> None:
    with pytest.raises(Refused, match="Bluesky takes 300"):
        compose(saying(**{**AD, "disclosure": "x" * 280}))


@pytest.mark.parametrize(
    ("text", "count"),
    [("abc", 3), ("e\u0301", 1), ("❤️", 1), ("\u0301a", 2), ("", 0), ("a\nb", 3), ("👨‍👩‍👧", 3)],
)
def test_a_reader_sees_at_most_as_many_characters_as_are_counted(text: str, count: int) -> None:
    # A family is one for a reader and three for us: more is safe, fewer is not.
    assert count_graphemes(text) == count


def test_a_record_key_is_the_posts_own_and_sorts_by_time() -> None:
    at = datetime(2026, 11, 24, 9, 30, 0, 123456, tzinfo=UTC)

    keys = [record_key("k1", at + timedelta(microseconds=n)) for n in range(3)]

    assert keys == sorted(set(keys))
    assert record_key("k1", at) == keys[0] != record_key("k2", at)
    assert {len(key) for key in keys} == {13}


def test_a_blob_is_named_by_the_hash_of_its_bytes() -> None:
    # The identifier that the network gives to the three bytes "abc".
    sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    assert blob_cid(sha256) == "bafkreif2pall7dybz7vecqka3zo24irdwabwdi4wc55jznaq75q7eaavvu"
