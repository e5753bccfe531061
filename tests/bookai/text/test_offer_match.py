from pathlib import Path

import pytest

import studio
from bookai.models import Offer
from bookai.text.offer_match import best_fits
from bookai.text.product_list import parse_products
from bookai.text.sensitive import sensitive_word

BUNDLED = Path(studio.__path__[0]) / "catalogue" / "offers.csv"
OFFERS = tuple(
    Offer(product_id=number, **product.model_dump(exclude={"sku", "commission_bps", "active"}))
    for number, product in enumerate(parse_products(BUNDLED.read_bytes(), "offers.csv"), 1)
)


def offer(number: int, *terms: str, name: str = "Thing") -> Offer:
    return Offer(
        product_id=number,
        name=name,
        network="catalogue",
        url="https://example.com/",
        price_minor=100,
        currency="EUR",
        category="things",
        terms=terms,
    )


OTHERS = tuple(offer(number, f"other{number}") for number in range(100, 150))


@pytest.mark.parametrize(
    ("title", "text", "name"),
    [
        (
            "The world is getting rid of the leap second",
            "Clocks tick faster than the Earth turns. An atomic clock counts the leap second.",
            "Atomic wall clock, radio-controlled",
        ),
        (
            "Astronomers find water on a far planet",
            "The planet orbits a star in the constellation Leo, astronomers say.",
            "Book: The Night Sky Month by Month",
        ),
        (
            "A marathon in under two hours",
            "The runner finished the marathon in a time that nobody had run before.",
            "Running belt with phone pocket",
        ),
    ],
)
def test_a_script_gets_the_product_a_reader_would_name(title: str, text: str, name: str) -> None:
    best = best_fits(title, text, OFFERS)[0]

    assert (best.offer.name, best.is_strong) == (name, True)


@pytest.mark.parametrize(
    "text",
    [
        "The council met for the second time and looked at the light rail budget.",
        "The chef of staff read the news at home in the kitchen.",
        "She wrote a letter and took the train to work.",
        "",
    ],
)
def test_words_that_only_pass_by_sell_nothing(text: str) -> None:
    assert not any(fit.is_strong for fit in best_fits("The town's new plan", text, OFFERS))


def test_two_terms_of_one_product_fit_and_one_does_not() -> None:
    offers = (offer(1, "kiln", "glaze"), *OTHERS)

    assert best_fits("On pots", "A kiln and a glaze.", offers)[0].is_strong
    assert not best_fits("On kilns", "A kiln. Kilns.", offers)[0].is_strong


def test_a_phrase_fits_alone_where_it_is_what_the_script_is_about() -> None:
    offers = (offer(1, "tide pool"), *OTHERS)

    assert best_fits("In the tide pool", "Crabs live here.", offers)[0].is_strong
    assert best_fits("Crabs", "A tide pool is small. Tide pools are cold.", offers)[0].is_strong
    assert not best_fits("Crabs", "One crab left its tide pool.", offers)[0].is_strong


def test_a_phrase_needs_its_words_side_by_side() -> None:
    assert best_fits("The tide", "It fills the pool at high tide.", (offer(1, "tide pool"),)) == ()


def test_endings_and_hyphens_do_not_matter() -> None:
    offers = (offer(1, "open-source", "maintainer"), *OTHERS)

    [fit] = best_fits("Open source", "Maintainers are tired.", offers)

    assert set(fit.matched) == {"open-source", "maintainer"}


def test_a_term_that_many_products_share_weighs_less() -> None:
    shared = tuple(offer(number, "gardener", "soil") for number in range(1, 40))
    rare = offer(50, "gardener", "trowel")

    fits = best_fits("A gardener", "The gardener's trowel is in the soil.", (*shared, rare))

    assert fits[0].offer == rare


def test_equals_go_to_the_lower_product_id() -> None:
    pair = (offer(2, "kiln", "glaze"), offer(1, "kiln", "glaze"), *OTHERS)

    assert best_fits("Pots", "A kiln, a glaze.", pair)[0].offer.product_id == 1


def test_no_catalogue_and_no_terms_fit_nothing() -> None:
    assert best_fits("A", "b", ()) == ()
    assert best_fits("A", "b", (offer(1, "..."),)) == ()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("Two people were killed when the bus crashed.", "were killed"),
        ("An earthquake shook the town.", "earthquake"),
        ("A plane crash in the Alps.", "plane crash"),
        ("The drummer passed away on Sunday.", "passed away"),
        ("The singer, who dies aged 78, had a guitar.", "dies aged"),
        ("A judge told the court to wait.", "judge' and 'court"),
        ("Bei dem Erdbeben starben viele.", "erdbeben"),
        ("Un attentat dans la ville.", "attentat"),
        ("The post-war epidemic of 1918.", "epidemic"),
    ],
)
def test_beside_grave_matters_nothing_is_sold(text: str, word: str) -> None:
    assert sensitive_word(text) == word


@pytest.mark.parametrize(
    "text",
    [
        "A dying star throws its shell into space.",
        "He died out of sight. The clock went on.",
        "Run kill -9 to stop the process.",
        "The camera shot a picture of the planet.",
        "It was the deadline of the project.",
        "",
    ],
)
def test_one_dark_word_in_a_bright_text_is_no_tragedy(text: str) -> None:
    assert sensitive_word(text) is None
