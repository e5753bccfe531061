"""A chart's points stand at their time."""

import pytest

from bookai.film.shots import Point
from tools.render.cards.chart import moments


@pytest.mark.parametrize(
    ("labels", "places"),
    [
        (("1980", "2010", "2020"), (0, 0.75, 1)),
        (("1980年", "2010年", "2020年"), (0, 0.75, 1)),
        (("March", "May", "June"), (0, 0.5, 1)),
        (("March 2020", "May 2020", "June 2020"), (0, 0.5, 1)),
    ],
)
def test_years_stand_as_far_apart_as_they_are(
    labels: tuple[str, ...], places: tuple[float, ...]
) -> None:
    points = tuple(Point(label=label, value=1, shown="1") for label in labels)

    assert moments(points) == pytest.approx(places)
