import time
import unicodedata
from collections.abc import Hashable, Iterator

import numpy as np
import numpy.typing as npt
import pytest

from bookai.errors import Refused
from bookai.models import Word
from tools.render.brand import PALETTES
from tools.render.captions import Captions
from tools.render.layout import Layout, Size
from tools.render.sprites import Frame, yuv
from tools.render.text.align import Shown, align
from tools.render.text.words import cut_words, is_unspaced
from tools.render.typography import Typeface

SMALL = Layout(Size(width=360, height=640))
LAYOUT = Layout(Size())
GROUND = PALETTES[0].ground("night")
Luma = npt.NDArray[np.uint8]

# ruff: noqa: RUF001
SENTENCES = {
    "en": "Timekeepers (says Meta) will drop a second in 2035, for the first time ever.",
    "ru": "Хранители времени впервые уберут секунду в 2035 году.",
    "el": "Οι επιστήμονες θα αφαιρέσουν ένα δευτερόλεπτο το 2035.",
    "ar": "سيحذف العلماء ثانية كبيسة عام 2035 من iPhone 17 لأول مرة.",
    "ar-EG": "إِنَّ الَّذِي أُضِيفَتْ ثانيةٌ كبيسةٌ",
    "he": "iPhone: המדענים (Meta) יסירו שנייה ב-2035, בפעם הראשונה!",
    "hi": "वैज्ञानिक 2035 में पहली बार शृंखला से एक सेकंड हटाएँगे।",
    "th": "นักวิทยาศาสตร์ผู้ใหญ่จะลบหนึ่งวินาทีในปี 2035 เป็นครั้งแรก",
    "zh": "科学家将在2035年首次减去一秒。“这很重要”、他们说。",
    "ja": "科学者たちは2035年に初めて「1秒」を減らす、とiPhone 17が言う。",
    "ko": "과학자들은 2035년에 처음으로 1초를 뺄 것이다.",
    "vi": "Lần đầu tiên, Ệ Ằ Ộ gỡ một giây nhuận vào năm 2035.",
}
NASTY = [
    "W" * 10_000,
    "100% 'fine': C:\\temp\\new {x} %d & <b>bold</b>",
    "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft now",
    "i i i i i i i i i i i i i i i i",
    "$1,234,567,890.50 extraordinarily-long-compound-nouns-without-an-end-in-sight",
    "Ǻŷjģ|ÇỘ under and over",
    "a" + "\u0301" * 9_999,
    "देवनागरी" * 1_250,
    "你" * 10_000,
    "ก็" * 5_000,
    "ﷺ" * 10_000,
]


def shown(text: str, language: str = "", word_s: float = 0.5) -> list[Shown]:
    text = Typeface(language=language).clean(text)
    tokens = cut_words(text, language)
    words = [
        Word(text=token.text, line=0, start_s=word_s * k, end_s=word_s * (k + 1))
        for k, token in enumerate(tokens)
    ]
    return list(align([text], words, language))


def pictures(captions: Captions, layout: Layout, frames: int) -> Iterator[tuple[Hashable, Frame]]:
    """Return every state that comes up, with its picture."""
    before: Hashable = None
    for n in range(frames):
        state = captions.state(n)
        if state != before:
            frame = Frame(layout.size.width, layout.size.height)
            captions.draw(frame, n)
            yield state, frame
        before = state


def outside(luma: Luma, layout: Layout) -> int:
    """Return how many pixels are inked outside the caption box."""
    left, top, width, height = layout.captions
    rest = luma.copy()
    rest[top : top + height, left : left + width] = 0
    return int(np.count_nonzero(rest))


def changed(one: Frame, other: Frame) -> npt.NDArray[np.bool_]:
    """Return where two pictures differ, in luma or colour."""
    colour = (one.u != other.u) | (one.v != other.v)
    found: npt.NDArray[np.bool_] = one.y != other.y
    found |= colour.repeat(2, axis=0).repeat(2, axis=1)
    return found


def pill_centre(frame: Frame) -> tuple[float, float]:
    """Return where the active word's pill is."""
    y, u, v = (round(value) for value in yuv(GROUND.pill))
    close = abs(frame.y[::2, ::2].astype(int) - y) < 6
    close &= (abs(frame.u.astype(int) - u) < 6) & (abs(frame.v.astype(int) - v) < 6)
    rows, columns = np.nonzero(close)
    assert len(rows) > 200, "there is no pill"
    return float(columns.mean()), float(rows.mean())


@pytest.mark.parametrize("text", NASTY, ids=lambda text: text[:12])
def test_captions_stay_in_their_box_whatever_is_said(text: str) -> None:
    before = time.process_time()
    captions = Captions(SMALL, Typeface(), GROUND, shown(text))

    for start in captions.starts[:40]:
        frame = Frame(360, 640)
        captions.draw(frame, start + 5)
        assert outside(frame.y, SMALL) == 0
    assert time.process_time() - before < 2


@pytest.mark.parametrize("language", SENTENCES)
def test_words_of_every_script_stand_in_the_box_in_two_lines_and_apart(language: str) -> None:
    # Close words have a gap of a few pixels, which a small picture's chroma cannot show.
    layout = LAYOUT if is_unspaced(SENTENCES[language]) else SMALL
    face = Typeface(language=language)
    words = shown(SENTENCES[language], language)
    captions = Captions(layout, face, GROUND, words)
    # A word's pill is where its picture differs from that of its phrase without any pill.
    pills: dict[int, list[npt.NDArray[np.bool_]]] = {}
    plain: dict[int, Frame] = {}
    for state, picture in pictures(captions, layout, round(0.5 * 30 * len(words))):
        assert outside(picture.y, layout) == 0
        assert isinstance(state, tuple)
        phrase, _, active = state
        if phrase not in plain:
            frame = Frame(layout.size.width, layout.size.height)
            Captions(layout, face, GROUND, _muted(words)).draw(frame, captions.starts[phrase] + 4)
            plain[phrase] = frame
        if active >= 0:
            pills.setdefault(phrase, []).append(changed(picture, plain[phrase]))

    assert sum(map(len, pills.values())) == len(words)
    for phrase, own in pills.items():
        ink = plain[phrase].y > 0
        covered = np.sum(own, axis=0)
        assert covered[ink].min() == 1, "a word stands outside its pill"
        assert covered[ink].max() == 1, "a pill covers another word"
        rows = np.flatnonzero(ink.any(1))
        assert rows[-1] - rows[0] < layout.captions[3], "more than two lines"


def _muted(words: list[Shown]) -> list[Shown]:
    """Return the words as if each had been over long ago: no pill is drawn on them."""
    return [Shown(w.text, w.line, w.start_s, -9.0, w.at, w.close) for w in words]


def test_letters_of_every_script_have_a_glyph() -> None:
    for language, text in SENTENCES.items():
        face = Typeface(language=language)

        assert [letter for letter in face.clean(text) if not face.has(letter)] == []


def test_text_of_every_unicode_block_is_shown_in_the_box_or_refused_by_name() -> None:
    face = Typeface()
    words: list[Shown] = []
    refused: list[str] = []
    for first in range(0x20, 0x32000, 0x80):
        letters = [chr(n) for n in range(first, first + 0x80, 9) if _is_assigned(chr(n))]
        try:
            text = face.clean("".join(letters))
        except Refused as error:
            refused.append(str(error))
        else:
            words += [Shown(text, 0, 0.2 * len(words), 0.2 * len(words) + 0.2, -1)] if text else []
    captions = Captions(SMALL, face, GROUND, words)

    for start in captions.starts[::4]:
        frame = Frame(360, 640)
        captions.draw(frame, start + 3)
        assert outside(frame.y, SMALL) == 0
    assert len(words) > 100
    assert len(refused) > 50
    assert all("letters such as" in error for error in refused)


def _is_assigned(letter: str) -> bool:
    return unicodedata.category(letter) not in ("Cn", "Cs", "Co")


def test_the_caption_box_is_clear_of_what_platforms_cover_and_of_every_card() -> None:
    x, y, width, height = LAYOUT.captions

    assert (x >= 60, y >= 220, x + width <= 1080 - 140, y + height <= 1920 - 420) == (True,) * 4
    for box in (LAYOUT.header, LAYOUT.stage, LAYOUT.short_stage, LAYOUT.notice):
        assert box[1] + box[3] <= y
    assert LAYOUT.short_stage[1] + LAYOUT.short_stage[3] <= LAYOUT.notice[1]


def test_the_active_word_moves_from_word_to_word() -> None:
    captions = Captions(LAYOUT, Typeface(), GROUND, shown("one two six"))
    centres = []
    for n in (5, 20, 35):
        frame = Frame(1080, 1920)
        captions.draw(frame, n)
        centres.append(pill_centre(frame))

    assert centres[0][0] + 40 < centres[1][0]
    assert centres[1][0] + 40 < centres[2][0]


def test_no_word_is_active_long_after_it_was_spoken() -> None:
    captions = Captions(LAYOUT, Typeface(), GROUND, shown("one two"))
    frame = Frame(1080, 1920)

    captions.draw(frame, 60)

    with pytest.raises(AssertionError, match="no pill"):
        pill_centre(frame)


def test_right_to_left_words_are_spoken_from_the_right() -> None:
    captions = Captions(LAYOUT, Typeface(language="ar"), GROUND, shown("عام جديد 1972.", "ar"))
    centres = []
    for n in (5, 20, 35):
        frame = Frame(1080, 1920)
        captions.draw(frame, n)
        centres.append(pill_centre(frame)[0])

    assert centres[0] > centres[1] > centres[2]
    assert np.flatnonzero(frame.y.any(0))[-1] > 800


@pytest.mark.parametrize("fps", [24, 30, 60])
def test_equal_states_are_equal_pictures_and_few_frames_change(fps: int) -> None:
    layout = Layout(Size(width=360, height=640, fps=fps))
    words = shown(SENTENCES["en"], "en")
    captions = Captions(layout, Typeface(), GROUND, words)
    seen: dict[Hashable, bytes] = {}
    before: Hashable = None
    changes = 0
    for n in range(fps * len(words) // 2):
        frame = Frame(360, 640)
        captions.draw(frame, n)
        state = captions.state(n)
        assert seen.setdefault(state, frame.buffer.tobytes()) == frame.buffer.tobytes()
        changes += state != before
        before = state

    assert changes <= len(words) + 3 * len(captions.starts)
    assert len(set(seen.values())) == len(seen)


def test_frames_count_from_the_start_of_the_scene() -> None:
    words = shown("one two six")
    whole, later = Frame(360, 640), Frame(360, 640)

    Captions(SMALL, Typeface(), GROUND, words).draw(whole, 20)
    Captions(SMALL, Typeface(), GROUND, words, 12).draw(later, 8)

    assert np.array_equal(whole.buffer, later.buffer)


def test_captions_of_half_a_minute_cost_little() -> None:
    words = shown(" ".join([SENTENCES["en"]] * 6), "en", 0.33)
    before = time.process_time()
    captions = Captions(LAYOUT, Typeface(), GROUND, words)

    for _ in pictures(captions, LAYOUT, 900):
        pass

    # About 0.3 s of it is ours; the rest is the empty frames of this test and a busy machine.
    assert time.process_time() - before < 2


def test_letters_get_smaller_before_a_long_word_is_broken() -> None:
    text = "Станция ловила грузовики роботизированной рукой."
    captions = Captions(LAYOUT, Typeface(), GROUND, shown(text, "ru"))

    broken = "Донаудампфшиффартсэлектрицитетенхауптбетрибсверк"
    endless = Captions(LAYOUT, Typeface(), GROUND, shown(broken, "ru"))

    assert len(captions.starts) < len(text.split())
    assert [word.text for word in captions.set_words] == text.split()
    assert len(endless.set_words) > 1
