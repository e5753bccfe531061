"""Shots of every kind to look at, and procedural photographs to show in panels."""

from collections.abc import Iterator

import numpy as np

from bookai.film.shots import (
    Bar,
    BarsShot,
    ChartShot,
    ClipShot,
    DefinitionShot,
    EndShot,
    Event,
    ImageShot,
    Item,
    ListShot,
    NumberShot,
    PhraseShot,
    PlaceShot,
    Point,
    QuoteShot,
    Shot,
    TimelineShot,
    TitleShot,
)
from tools.render.sprites import Frame

SENTENCES = {
    "en": "Atomic clocks are watching closely",
    "ar": "الساعات الذرية تراقب عن كثب",
    "ja": "原子時計は注意深く見守っている",
}


def _points(*rows: tuple[str, float]) -> tuple[Point, ...]:
    return tuple(Point(label=label, value=value, shown=f"{value:g}") for label, value in rows)


ENGLISH: tuple[Shot, ...] = (
    TitleShot(title="Clocks may soon lose a second for the first time"),
    NumberShot(lead="more than", value="2.9", unit="billion", label="people affected"),
    BarsShot(
        title="Share of households with solar panels",
        bars=(
            Bar(label="Germany", value=27, shown="27 %", at=4),
            Bar(label="Australia", value=41, shown="41 %", at=12),
            Bar(label="Spain", value=9.5, shown="9.5 %", at=20),
        ),
    ),
    ChartShot(
        title="Leap seconds since 1972",
        unit="seconds",
        points=_points(
            ("1972", 2), ("1980", 9), ("1990", 15), ("1999", 22), ("2009", 24), ("2017", 27)
        ),
    ),
    TimelineShot(
        events=(
            Event(when="1972", what="The first leap second is added", at=2),
            Event(when="2016", what="The last one so far", at=14),
            Event(when="2035", what="They are to be given up", at=24),
        )
    ),
    ListShot(
        title="Who needs exact time",
        items=(
            Item(text="Power grids", at=2),
            Item(text="Satellite navigation", at=10),
            Item(text="Stock exchanges", at=18),
            Item(text="Telephone networks", at=26),
        ),
    ),
    QuoteShot(
        text="We never had to take a second away, and nobody knows what breaks.", who="Judah Levine"
    ),
    DefinitionShot(
        term="Leap second",
        meaning="a second added to clocks so that they keep step with the turning of the Earth",
    ),
    PlaceShot(place="Boulder", detail="Colorado, United States"),
    PhraseShot(text="Earth\u2019s rotation speeds up"),
    ImageShot(media=0, caption="The clock hall in Braunschweig"),
    ClipShot(media=1, caption="Ice on the move"),
    EndShot(),
    NumberShot(value="$1,234,567"),
    BarsShot(
        unit="Tonnes of CO2 a person",
        bars=tuple(
            Bar(label=f"Country with a long name {k}", value=9 - 2 * k, shown=f"{9 - 2 * k}.4 t")
            for k in range(5)
        ),
    ),
)
ARABIC: tuple[Shot, ...] = (
    TitleShot(title="قد تفقد الساعات ثانية للمرة الأولى في التاريخ"),
    NumberShot(lead="أكثر من", value="\u0662\u066b\u0669", unit="مليار", label="شخص"),
    BarsShot(
        title="نسبة المنازل ذات الألواح الشمسية",
        bars=(
            Bar(label="ألمانيا", value=27, shown="٢٧ ٪"),
            Bar(label="أستراليا", value=41, shown="٤١ ٪"),
        ),
    ),
    ListShot(items=(Item(text="شبكات الكهرباء"), Item(text="الملاحة عبر الأقمار"))),
    TimelineShot(
        events=(Event(when="1972", what="أول ثانية كبيسة"), Event(when="2035", what="النهاية"))
    ),
    QuoteShot(text="لم نضطر أبدا إلى حذف ثانية واحدة.", who="جودا ليفين"),
    DefinitionShot(term="ثانية كبيسة", meaning="ثانية تضاف إلى الساعات لتواكب دوران الأرض"),
    PlaceShot(place="بولدر", detail="كولورادو"),
    PhraseShot(text="دوران الأرض"),
    ImageShot(media=0, caption="قاعة الساعات"),
)
JAPANESE: tuple[Shot, ...] = (
    TitleShot(title="時計が初めて一秒を失うかもしれない"),
    NumberShot(value="3億5000万", label="人"),
    BarsShot(
        title="太陽光発電の割合",
        bars=(Bar(label="ドイツ", value=27, shown="27%"), Bar(label="日本", value=12, shown="12%")),
    ),
    ListShot(items=(Item(text="電力網"), Item(text="衛星測位"), Item(text="証券取引所"))),
    TimelineShot(
        events=(Event(when="1972年", what="最初のうるう秒"), Event(when="2035年", what="廃止へ"))
    ),
    QuoteShot(text="一秒を引いたことは一度もない。", who="ジュダ・レヴィン"),
    DefinitionShot(term="うるう秒", meaning="地球の自転に合わせて時計に加えられる一秒"),
    PlaceShot(place="ボルダー", detail="コロラド州"),
    PhraseShot(text="地球の自転"),
    ImageShot(media=0, caption="時計のホール"),
)
SHOTS: dict[str, tuple[Shot, ...]] = {"en": ENGLISH, "ar": ARABIC, "ja": JAPANESE}


def credits_of() -> dict[int, str]:
    """Return the lines of thanks of the two photographs."""
    return {0: "Photo: A. Person, CC BY-SA 4.0", 1: "Film: B. Person, CC0"}


class Photograph:
    """Hills in mist with a sun, and noise as a camera makes it; also as a clip that pans."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self.size = (1600, 1067)

    def planes(self, width: int, height: int, *, extra: tuple[int, int] = (0, 0)) -> Frame:
        """Return it covering a box."""
        return self._drawn(width + extra[0] + 1 & ~1, height + extra[1] + 1 & ~1, 0)

    def _drawn(self, width: int, height: int, shift: int) -> Frame:
        rng = np.random.default_rng(self._seed)
        frame = Frame(width, height)
        y, x = np.mgrid[0:height, 0:width].astype(np.float32)
        luma = 200 - 70 * y / height
        u, v = 128 + 14 * y / height, 120 - 10 * y / height
        sun = np.hypot(x - width * 0.68, y - height * 0.3)
        luma += 40 * np.exp(-((sun / (0.16 * height)) ** 2))
        for k in range(4):
            waves = rng.uniform(0.002, 0.012, 3) * 1080 / width
            ridge = sum(
                np.sin((x + shift) * wave + rng.uniform(0, 6)) / (j + 1)
                for j, wave in enumerate(waves)
            )
            edge = height * (0.42 + 0.14 * k) + ridge * height * 0.05
            luma = np.where(y > edge, 150 - 32 * k + 0.02 * (y - edge), luma)
            u = np.where(y > edge, 134 - 4 * k, u)
            v = np.where(y > edge, 116 - 2 * k, v)
        luma += rng.standard_normal((height, width), np.float32) * 4
        frame.y[...] = np.clip(luma, 16, 235)
        frame.u[...] = np.clip(u[::2, ::2], 16, 240)
        frame.v[...] = np.clip(v[::2, ::2], 16, 240)
        return frame

    def strip(self, size: tuple[int, int], fps: int, start_s: float) -> Iterator[Frame]:
        """Yield it moving by."""
        shift = round(start_s * fps)
        still = self._drawn(*size, shift)
        while True:
            yield still
