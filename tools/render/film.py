"""Draw the film frame by frame: scenes, their turns, and the header that stays."""

from dataclasses import dataclass
from itertools import pairwise

from tools.render.background import Backdrop
from tools.render.brand import Ground, Palette, choose, mix, seed
from tools.render.captions import Captions
from tools.render.cards import AI_LABEL, OUT_FRAMES, Card, Setter, emblem
from tools.render.layout import Layout
from tools.render.sprites import Frame, Sprite, clipped, paint
from tools.render.text.accents import Number, Quote
from tools.render.text.align import Shown
from tools.render.text.plan import TURN_FRAMES, End, Film, Scene, Title
from tools.render.typography import BOLD, Style, Typeface

LEAST_FREE_FRAMES = 45


@dataclass(frozen=True, slots=True)
class Credits:
    """The words that come from outside the script, ready to set."""

    title: str
    brand: str
    credit: str
    disclosure: str


class SceneView:
    """A scene ready to draw; made when it comes, dropped when it is gone."""

    def __init__(
        self, layout: Layout, face: Typeface, scene: Scene, credits: Credits, ground: Ground
    ) -> None:
        self.scene, self.ground = scene, ground
        self._captions = Captions(layout, face, ground, _cleaned(face, scene.words))
        stage = layout.stage if scene.notice_from is None else layout.short_stage
        self._setter = Setter(layout, face, ground, stage=stage)
        self._cards = [(beat.frame, self._card(beat.card, face, credits)) for beat in scene.beats]
        self._notice = (
            self._setter.notice(credits.disclosure) if scene.notice_from is not None else None
        )
        # Forms that had to leave the stage at once would only flicker.
        free = scene.stage_free_until - scene.first
        free = free if free >= LEAST_FREE_FRAMES else 0
        self._backdrop = Backdrop(
            layout, ground, scene.composition, free, seed(credits.title) + scene.line
        )

    def draw(self, frame: Frame, n: int) -> None:
        """Draw the scene as it stands at frame `n` of the film."""
        self._backdrop.draw(frame, n - self.scene.first)
        for number, (first, card) in enumerate(self._cards):
            following = [start for start, _ in self._cards[number + 1 : number + 2]]
            leaving = n - following[0] if following else 0
            # A card that replaces another waits until that one is gone.
            wait = OUT_FRAMES - 2 if number or first > self.scene.first else 3
            if first == 0:
                wait = -10  # the very first picture is what people see before they press play
            if n >= first and leaving < OUT_FRAMES:
                card.draw(frame, n - first - wait, leaving)
        starts = self.scene.notice_from
        if self._notice is not None and starts is not None and n >= starts:
            self._notice.draw(frame, n)
        self._captions.draw(frame, n)

    def _card(
        self, card: Title | End | Number | Quote | str, face: Typeface, credits: Credits
    ) -> Card:
        match card:
            case Title():
                return self._setter.title(credits.title, credits.brand)
            case End():
                return self._setter.end(credits.brand, credits.credit)
            case Number():
                return self._setter.number(card)
            case Quote():
                return self._setter.quote(Quote(face.clean(card.text), face.clean(card.who)))
            case _:
                return self._setter.phrase(face.clean(card))


class Header:
    """Progress in as many parts as there are scenes, the brand, and the label."""

    def __init__(self, layout: Layout, face: Typeface, film: Film, brand: str) -> None:
        self._layout, self._face, self._film, self._brand = layout, face, film, brand
        self._made: dict[str, list[tuple[Sprite, int, int]]] = {}

    def draw(self, frame: Frame, n: int, view: SceneView) -> None:
        """Draw it in a scene's colours."""
        ground = view.ground
        self._progress(frame, n, ground)
        if ground.name not in self._made:
            self._made[ground.name] = self._set(ground)
        # The title card carries the brand itself.
        opening = view.scene.first == 0
        for sprite, x, y in self._made[ground.name][2 if opening else 0 :]:
            sprite.draw(frame, x, y)

    def _progress(self, frame: Frame, n: int, ground: Ground) -> None:
        left, top, width, _ = self._layout.header
        thick, gap = max(2, self._layout.even(6)), self._layout.even(8)
        starts = [scene.first for scene in self._film.scenes] + [self._film.frames]
        count = len(starts) - 1
        if width // count < 4 * gap:
            starts, count, gap = [0, self._film.frames], 1, 0
        for number, (start, stop) in enumerate(pairwise(starts)):
            x = left + width * number // count & ~1
            room = (left + width * (number + 1) // count & ~1) - x - gap
            done = round(room * min(1.0, max(0.0, (n - start) / (stop - start)))) & ~1
            rest = mix(ground.text, ground.top, 0.76)
            frame.fill((x, top, room, thick), rest)
            frame.fill((x, top, done, thick), ground.text)

    def _set(self, ground: Ground) -> list[tuple[Sprite, int, int]]:
        """Return the mark, the brand and the label with their places."""
        px = self._layout.px
        left, top, width, _ = self._layout.header
        size = px(40) & ~1
        row = top + px(30) & ~1
        style = Style(px(31), BOLD, 0)
        label = paint([(self._face.mask(AI_LABEL, style), ground.text)])
        room = width - label.width - 3 * size
        brand = self._brand
        while brand and self._face.width(brand, style) > room:
            brand = brand[:-2].rstrip() + "…" if len(brand) > 2 else ""
        name = paint([(self._face.mask(brand or " ", style), ground.text)])
        baseline = row + size // 2 + round(style.size * 0.35) - self._face.rise(style) & ~1
        return [
            (emblem(size, ground.strong, ground.text), left, row),
            (name, left + size + px(14) & ~1, baseline),
            (label, left + width - label.width & ~1, baseline),
        ]


class Projector:
    """Draws any frame of a film; made for running forward."""

    def __init__(self, layout: Layout, face: Typeface, film: Film, credits: Credits) -> None:
        self._layout, self._face, self._film = layout, face, film
        self._credits = Credits(
            face.clean(credits.title),
            face.clean(credits.brand),
            face.clean(credits.credit),
            face.clean(credits.disclosure),
        )
        self._palette: Palette = choose(credits.title)
        if credits.disclosure:
            # One that does not fit is refused now, not when its scene comes.
            ground = self._palette.ground("night")
            Setter(layout, face, ground).notice(self._credits.disclosure)
        self._header = Header(layout, face, film, self._credits.brand)
        size = layout.size
        self._before, self._after = Frame(size.width, size.height), Frame(size.width, size.height)
        self._views: dict[int, SceneView] = {}

    def draw(self, frame: Frame, n: int) -> None:
        """Draw frame `n`."""
        number = self._film.at(n)
        view = self._view(number)
        age = n - view.scene.first
        if number and age < TURN_FRAMES:
            self._turn(frame, n, number, _settle((age + 1) / (TURN_FRAMES + 1)))
            return
        self._views = {k: v for k, v in self._views.items() if k >= number}
        view.draw(frame, n)
        self._header.draw(frame, n, view)

    def _view(self, number: int) -> SceneView:
        if number not in self._views:
            scene = self._film.scenes[number]
            ground = self._palette.ground(scene.ground)
            self._views[number] = SceneView(self._layout, self._face, scene, self._credits, ground)
        return self._views[number]

    def _turn(self, frame: Frame, n: int, number: int, share: float) -> None:
        """Draw both scenes while one gives way to the next; `share` is how much has changed."""
        old, new = self._view(number - 1), self._view(number)
        for picture, view in ((self._before, old), (self._after, new)):
            view.draw(picture, n)
            # The header goes along: one that stood still would be run over by a card.
            self._header.draw(picture, n, view)
        width, height = frame.box[2:]
        down, right = round(height * share) & ~1, round(width * share) & ~1
        match new.scene.turn:
            case "up":
                frame.copy(self._before, (0, down, width, height - down), (0, 0))
                frame.copy(self._after, (0, 0, width, down), (0, height - down))
            case "left":
                frame.copy(self._before, (right, 0, width - right, height), (0, 0))
                frame.copy(self._after, (0, 0, right, height), (width - right, 0))
            case "wipe":
                frame.copy(self._before, (0, 0, width, height - down), (0, 0))
                frame.copy(self._after, (0, height - down, width, down), (0, height - down))
                band = round(self._layout.px(150) * 4 * share * (1 - share)) & ~1
                edge = clipped((0, height - down, width, band), frame.box)
                frame.fill(edge, new.ground.pop)


def draw_thumbnail(layout: Layout, face: Typeface, title: str, brand: str) -> Frame:
    """Return the thumbnail: the title as large as it gets, on the video's own colours."""
    ground = choose(title).ground("colour")
    frame = Frame(layout.size.width, layout.size.height)
    Backdrop(layout, ground, 0, 0, seed(title)).draw(frame, 40)
    card = Setter(layout, face, ground, stage=layout.poster).title(
        face.clean(title), face.clean(brand)
    )
    card.draw(frame, 1000)
    return frame


def _cleaned(face: Typeface, words: tuple[Shown, ...]) -> list[Shown]:
    """Return the words that can be shown; one that was only an emoji is none."""
    cleaned = []
    for word in words:
        text = face.clean(word.text)
        if text:
            cleaned.append(Shown(text, word.line, word.start_s, word.end_s, word.at))
    return cleaned


def _settle(share: float) -> float:
    """Return a share of the way that starts and ends gently."""
    return share * share * (3 - 2 * share)
