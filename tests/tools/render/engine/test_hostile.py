"""Whatever a script holds: a film, or one clear refusal."""

from collections.abc import Callable
from pathlib import Path

import av
import pytest

from bookai.errors import Refused
from bookai.models import Script
from tools.render.engine.run import render
from tools.render.layout import Size
from tools.render.spec import Spec

MakeScript = Callable[..., Script]
MakeSpec = Callable[..., Spec]
TINY = Size(width=180, height=320, fps=24)
META = (
    "';[0:v]drawtext=text=%{pts}:fontfile=/etc/passwd,{\\an8}\\N<b>&amp;\"$(id)`id`|&& 100% a:b=c\\"
)


def pictures(spec: Spec) -> int:
    with av.open(spec.video_path) as file:
        return sum(1 for _ in file.decode(video=0))


def reason(spec: Spec) -> str:
    """Return why there is no film, "" where there is one."""
    try:
        render(spec, lambda _: None)
    except Refused as error:
        return str(error)
    return ""


def test_a_film_of_two_hundred_sentences_is_a_film(
    make_spec: MakeSpec, make_script: MakeScript
) -> None:
    lines = [(f"No {number}.", "hook" if not number else "beat") for number in range(200)]
    spec = make_spec(make_script(*lines), size=TINY)

    outcome = render(spec, lambda _: None)

    assert len(outcome.shots) == 200
    assert pictures(spec) == outcome.frames


def test_a_script_without_a_line_is_refused(make_spec: MakeSpec, make_script: MakeScript) -> None:
    spec = make_spec(make_script(("Clocks stop.", "hook")), size=TINY)
    empty = spec.model_copy(
        update={
            "script": make_script(),
            "voiceover": spec.voiceover.model_copy(update={"words": ()}),
        }
    )

    with pytest.raises(Refused, match="no words"):
        render(empty, lambda _: None)


def test_signs_of_filters_markup_and_shells_are_only_text(
    make_spec: MakeSpec, make_script: MakeScript, tmp_path: Path
) -> None:
    spec = make_spec(make_script((META, "hook"), (f"He said “{META}”.", "quote"), title=META))
    before = {path.name for path in tmp_path.iterdir()}

    outcome = render(spec.model_copy(update={"size": TINY}), lambda _: None)

    assert pictures(spec) == outcome.frames
    fresh = {path.name for path in tmp_path.iterdir()} - before
    assert fresh == {"video.mp4", "thumbnail.jpg", "captions.vtt", "captions.srt"}


def test_one_letter_of_every_block_of_unicode_is_shown_or_refused_by_name(
    make_spec: MakeSpec, make_script: MakeScript
) -> None:
    refused = 0
    for start in range(0x20, 0x30000, 0x1000):
        letters = "".join(chr(start + step) for step in range(0, 0x100, 0x20))
        text = letters.encode("utf-8", "ignore").decode()
        spec = make_spec(make_script((f"So {text} it is.", "hook")), size=TINY)
        why = reason(spec.model_copy(update={"size": Size(width=180, height=320, fps=10)}))
        assert not why or "letters such as" in why or "no words" in why
        refused += bool(why)
    assert refused > 0


def test_a_line_of_which_nothing_is_seen_stops_no_film(
    make_spec: MakeSpec, make_script: MakeScript
) -> None:
    spec = make_spec(make_script(("\u200b", "hook"), ("The clocks stop.", "beat")), size=TINY)

    outcome = render(spec, lambda _: None)

    assert pictures(spec) == outcome.frames
