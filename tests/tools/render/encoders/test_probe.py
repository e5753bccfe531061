"""Which encoder is chosen, and what a person is told about the others."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tools.ffmpeg.runner import find_ffmpeg
from tools.render.encoders.devices import device_nodes, nvidia_card
from tools.render.encoders.probe import Choice, Tried, choose_encoder
from tools.render.encoders.reasons import explain
from tools.render.encoders.recipes import CPU, RECIPES, Recipe

MakeProgram = Callable[[str], Path]
NOON = 1_700_000_000.0
DAY_S = 86_400.0
X264 = {CPU: RECIPES[CPU]}
COUNTING = 'echo run >> "$(dirname "$0")/runs"'


def runs(program: Path) -> int:
    return (program.parent / "runs").read_text().count("run")


async def test_an_encoder_is_chosen_only_when_it_really_encodes() -> None:
    gone = Recipe("h264_of_nobody")

    choice = await choose_encoder(find_ffmpeg({}), None, recipes={gone.name: gone, **X264})

    assert choice.name == CPU
    assert not choice.hardware
    assert choice.tried == (Tried(name=gone.name, why_not="this ffmpeg was built without it"),)
    assert choice.reason.startswith("libx264 on the CPU (a second took ")
    assert choice.reason.endswith("; h264_of_nobody: this ffmpeg was built without it")


async def test_every_recipe_is_understood_by_the_ffmpeg_that_comes_along() -> None:
    choice = await choose_encoder(find_ffmpeg({}), None)

    # What is wrong must be the machine's, never our arguments.
    assert not [one for one in choice.tried if "argument" in one.why_not or "option" in one.why_not]


async def test_hardware_that_works_is_taken_before_the_cpu(make_program: MakeProgram) -> None:
    choice = await choose_encoder(make_program("exit 0"), None)

    assert choice.name == "h264_nvenc"
    assert choice.hardware
    assert choice.tried == ()


async def test_without_any_that_works_our_own_on_the_cpu_remains(make_program: MakeProgram) -> None:
    choice = await choose_encoder(make_program("echo broken >&2; exit 1"), None)

    assert choice.name == CPU
    assert [one.name for one in choice.tried] == ["h264_nvenc", "h264_vaapi", "h264_qsv", CPU]
    assert "the one that comes along" in choice.reason


async def test_an_answer_is_kept_for_a_day(make_program: MakeProgram, tmp_path: Path) -> None:
    program, cache = make_program(COUNTING), tmp_path / "cache" / "encoder.json"

    first = await choose_encoder(program, cache, now=NOON)
    again = await choose_encoder(program, cache, now=NOON + DAY_S - 1)

    assert again == first
    assert runs(program) == 1

    await choose_encoder(program, cache, now=NOON + DAY_S)
    assert runs(program) == 2


async def test_another_ffmpeg_is_tried_anew(make_program: MakeProgram, tmp_path: Path) -> None:
    cache = tmp_path / "encoder.json"
    await choose_encoder(make_program(COUNTING), cache, now=NOON)

    changed = make_program(COUNTING + "\nexit 1")
    choice = await choose_encoder(changed, cache, now=NOON)

    assert choice.name == CPU


@pytest.mark.parametrize("rubbish", [b"", b"{}", b"\xff\xfe", b'{"key": 1}'])
async def test_a_broken_cache_is_as_good_as_none(
    make_program: MakeProgram, tmp_path: Path, rubbish: bytes
) -> None:
    cache = tmp_path / "encoder.json"
    cache.write_bytes(rubbish)

    choice = await choose_encoder(make_program("exit 0"), cache, now=NOON)

    assert choice.name == "h264_nvenc"
    assert Choice.model_validate_json(cache.read_bytes().split(b'"choice":')[1][:-1]) == choice


async def test_a_cache_that_cannot_be_written_stops_nothing(
    make_program: MakeProgram, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("no folder")

    choice = await choose_encoder(make_program("exit 0"), tmp_path / "file" / "encoder.json")

    assert choice.name == "h264_nvenc"


async def test_an_encoder_that_hangs_is_given_up_and_asked_again_next_time(
    make_program: MakeProgram, tmp_path: Path
) -> None:
    cache = tmp_path / "encoder.json"

    choice = await choose_encoder(make_program("exec sleep 60"), cache, recipes=X264, try_s=0.2)

    assert choice.tried == (Tried(name=CPU, why_not="no answer in 0.2 s"),)
    assert not cache.exists()


# What ffmpeg says on real machines: no driver, a card without an encoder, no device, no session.
@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("[h264_nvenc @ 0x1] Cannot load libcuda.so.1", "no NVIDIA driver (libcuda.so.1)"),
        (
            "[h264_nvenc @ 0x1] OpenEncodeSessionEx failed: unsupported device (2): (no details)",
            "the NVIDIA card (NVIDIA X1) has no encoder",
        ),
        (
            "[h264_nvenc @ 0x1] Driver does not support the required nvenc API version.",
            "the NVIDIA driver is too old for this ffmpeg",
        ),
        (
            "[VAAPI @ 0x1] No VA display found for device /dev/dri/renderD128.",
            "no graphics device (/dev/dri/renderD128)",
        ),
        ("[h264_qsv @ 0x1] Error creating a MFX session: -9.", "no Intel Quick Sync"),
        ("[h264_new @ 0x1] Something that nobody saw yet.", "Something that nobody saw yet."),
        ("", "it said nothing"),
    ],
)
def test_a_person_is_told_why_not(said: str, why: str) -> None:
    log = [said, "[vost#0:0/x @ 0x1] Error while opening encoder - maybe", "Conversion failed!"]

    assert explain(log, node="/dev/dri/renderD128", card="NVIDIA X1").startswith(why)


def test_devices_and_the_card_are_read_without_touching_them(tmp_path: Path) -> None:
    for name in ("dri/renderD128", "dri/card0", "nvidia0", "nvidiactl", "null"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    told = tmp_path / "0000:01:00.0" / "information"
    told.parent.mkdir()
    told.write_text("Model: \t NVIDIA H200\nIRQ: 1\n")

    names = [Path(node).name for node in device_nodes(tmp_path)]

    assert names == ["renderD128", "nvidia0"]
    assert nvidia_card(tmp_path) == "NVIDIA H200"
    assert nvidia_card(tmp_path / "none") == ""
