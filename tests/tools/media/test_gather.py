"""What a film may show: the job's own files, and what fits on the operator's shelf."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from bookai.errors import OperatorNeeded, Refused
from bookai.film.material import Material, Media
from bookai.models import Line, Script
from tools.media.gather import choose, gather, read_shelf, terms
from tools.media.intake import Offered, take_in

Write = Callable[[str], Path]
CATALOGUE = """
[[media]]
path = "harbour.png"
words = "The harbour of Lisbon"
licence = "own work"

[[media]]
path = "bank.png"
words = "A bank in Lisbon, with savings"
licence = "CC BY 4.0"
credit = "A. Person"

[[media]]
path = "cat.png"
words = "A cat"
licence = "own work"
"""


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return tmp_path.resolve() / "work"


@pytest.fixture
def shelf(tmp_path: Path) -> Write:
    folder = tmp_path.resolve() / "shelf"
    folder.mkdir()
    for number, name in enumerate(("harbour", "bank", "cat")):
        Image.new("RGB", (300, 200), (90 * number, 60, 60)).save(folder / f"{name}.png")

    def write(catalogue: str) -> Path:
        (folder / "media.toml").write_text(catalogue, encoding="utf-8")
        return folder

    return write


def script(text: str) -> Script:
    return Script(
        title="t",
        lines=(Line(text=text, kind="hook"),),
        language="en",
        draft_kind="extractive",
        writer="t",
        seconds_est=5,
    )


def on(folder: Path) -> dict[str, dict[str, str]]:
    return {"media": {"folder": str(folder)}}


def test_what_shares_most_words_with_the_script_comes_first(work: Path, shelf: Write) -> None:
    said = script("Lisbon lost its savings to a bank.")

    found = gather(work, 7, on(shelf(CATALOGUE)), said, Material(source="text"))

    assert found.source == "text"
    assert [media.words for media in found.media] == [
        "A bank in Lisbon, with savings",
        "The harbour of Lisbon",
    ]
    assert found.media[0].credit == "A. Person"
    assert all(Path(media.path).parent == work / "7" / "media" for media in found.media)


def test_without_a_shelf_only_the_jobs_own_is_shown(work: Path, shelf: Write) -> None:
    folder = shelf("")
    own = take_in(work / "7", [Offered(path="cat.png", licence="own work")], folder)

    assert gather(work, 7, {}, script("Nothing"), Material(media=own)).media == own
    assert gather(work, 7, on(folder), script("Nothing"), Material(media=own)).media == own


def test_what_the_job_has_is_not_taken_twice(work: Path, shelf: Write) -> None:
    folder = shelf(CATALOGUE)
    own = take_in(work / "7", [Offered(path="bank.png", licence="own work")], folder)

    found = gather(work, 7, on(folder), script("The bank in Lisbon"), Material(media=own))

    assert [media.words for media in found.media] == ["", "The harbour of Lisbon"]


@pytest.mark.parametrize("path", ["/etc/passwd", "../8/media/cat.png", "gone.png", "media"])
def test_a_file_that_is_not_the_jobs_own_is_refused(work: Path, path: str) -> None:
    (work / "7" / "media").mkdir(parents=True)
    media = Media(kind="image", path=path, sha256="0" * 64, licence="x", origin="operator")

    with pytest.raises(Refused):
        gather(work, 7, {}, script("Nothing"), Material(media=(media,)))


def test_a_file_that_was_exchanged_is_refused(work: Path, shelf: Write) -> None:
    own = take_in(work / "7", [Offered(path="cat.png", licence="own work")], shelf(""))
    Image.new("RGB", (300, 200)).save(own[0].path)

    with pytest.raises(Refused, match="SHA-256"):
        gather(work, 7, {}, script("Nothing"), Material(media=own))


@pytest.mark.parametrize(
    "catalogue",
    ["media = 'cat.png'", "no toml", "media = [1]", "[x]\na = 1"],
)
def test_a_wrong_catalogue_needs_the_operator(shelf: Write, catalogue: str) -> None:
    with pytest.raises(OperatorNeeded, match=r"media\.toml"):
        read_shelf(shelf(catalogue))


def test_an_entry_without_a_licence_is_refused_when_it_would_be_shown(
    work: Path, shelf: Write
) -> None:
    folder = shelf('[[media]]\npath = "cat.png"\nwords = "A sleeping cat"')

    with pytest.raises(Refused, match=r"cat\.png.*licence"):
        gather(work, 7, on(folder), script("A cat was sleeping"), Material())


@pytest.mark.parametrize("wrong", ["path = 7", "", "path = 'cat.png'\nyear = 1999"])
def test_a_wrong_entry_stops_the_render_only_where_it_is_chosen(
    work: Path, shelf: Write, wrong: str
) -> None:
    folder = on(shelf(f'{CATALOGUE}\n[[media]]\nwords = "Foggy mountains"\n{wrong}'))

    assert gather(work, 7, folder, script("Lisbon"), Material()).media
    with pytest.raises(OperatorNeeded, match=r"media\.toml: entry 4"):
        gather(work, 7, folder, script("A foggy day"), Material())


def test_a_broken_file_stops_the_render_only_where_it_is_chosen(work: Path, shelf: Write) -> None:
    folder = shelf(CATALOGUE)
    (folder / "cat.png").write_bytes(b"no picture")

    assert gather(work, 7, on(folder), script("Lisbon"), Material()).media
    with pytest.raises(Refused, match=r"cat\.png"):
        gather(work, 7, on(folder), script("A cat sleeps"), Material())


def test_words_without_meaning_choose_nothing(shelf: Write) -> None:
    catalogue = read_shelf(shelf(CATALOGUE))

    assert choose(catalogue, script("Something with a view of the sea")) == ()
    unknown = script("Bank cats").model_copy(update={"language": "xx"})
    assert choose(catalogue, unknown) == ()


def test_the_best_are_copied_until_the_job_has_enough(
    work: Path, shelf: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shelf(CATALOGUE)
    size = (folder / "bank.png").stat().st_size
    said = script("Lisbon lost its savings to a bank.")

    monkeypatch.setattr("tools.media.gather.MOST_BYTES_FROM_SHELF", size + 1)
    found = gather(work, 7, on(folder), said, Material())
    assert [media.words for media in found.media] == ["A bank in Lisbon, with savings"]

    monkeypatch.setattr("tools.media.gather.MOST_BYTES_FROM_SHELF", size - 1)
    with pytest.raises(Refused, match=r"bank\.png.*cut it"):
        gather(work, 7, on(folder), said, Material())


def test_what_was_copied_before_is_not_copied_again(work: Path, shelf: Write) -> None:
    folder = on(shelf(CATALOGUE))
    first = gather(work, 7, folder, script("Lisbon"), Material()).media
    before = [Path(media.path).stat().st_ino for media in first]

    again = gather(work, 7, folder, script("Lisbon"), Material()).media

    assert again == first
    assert [Path(media.path).stat().st_ino for media in again] == before


def test_files_of_one_length_are_not_taken_for_each_other(work: Path, shelf: Write) -> None:
    folder = shelf(CATALOGUE)
    files = [folder / "harbour.png", folder / "bank.png"]
    for path in files:
        content = path.read_bytes()
        path.write_bytes(content + bytes(5000 - len(content)))

    found = gather(work, 7, on(folder), script("Lisbon"), Material()).media

    assert [Path(media.path).read_bytes() for media in found] == [f.read_bytes() for f in files]


def test_words_are_found_in_scripts_without_spaces() -> None:
    assert terms("東京の港", frozenset()) & terms("港は東京にある", frozenset())
    assert not terms("a 12 the", frozenset()) & terms("the a 12", frozenset())


def test_at_most_twelve_come_from_the_shelf(shelf: Write) -> None:
    entry = '[[media]]\npath = "cat.png"\nwords = "sleeping cats"\nlicence = "own"\n'

    assert len(choose(read_shelf(shelf(entry * 50)), script("All cats were sleeping"))) == 12
