"""What a host may have done to a job: its step's own fields, and files that are really there."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from bookai.models import Capability, Fallback, OfferChoice, VideoJob
from studio.hosts.accept import Unacceptable, accept
from tests.graphs.crew import ARTICLE, POST, PUBLICATION, RENDER, RESULTS, SCRIPT, review

TEXT = ARTICLE.model_copy(update={"sha256": hashlib.sha256(ARTICLE.text.encode()).hexdigest()})
NOTE = Fallback(what="voice", wanted="a", used="b", why="c")
JOB = VideoJob(
    job_id=7, source="a.md", requested_by="operator:ann", article=TEXT, fallbacks=(NOTE,)
)


def sent_back(before: VideoJob = JOB, **changes: Any) -> str:
    return before.model_copy(update=changes).model_dump_json()


def refused(capability: Capability, text: str, folder: Path, before: VideoJob = JOB) -> str:
    with pytest.raises(Unacceptable) as caught:
        accept(capability, before, text, folder)
    return str(caught.value)


def test_a_steps_own_field_comes_home(tmp_path: Path) -> None:
    done = accept("write", JOB, sent_back(script=SCRIPT), tmp_path)

    assert done == JOB.model_copy(update={"script": SCRIPT})


@pytest.mark.parametrize(
    "changes",
    [
        {"approval_id": 1},
        {"job_id": 8},
        {"publication": PUBLICATION},
        {"post": POST},
        {"channel": "other"},
        {"requested_by": "operator:bob"},
        {"source": "b.md"},
        {"edits": 1},
        {"article": ARTICLE},
    ],
)
def test_no_other_field_does(tmp_path: Path, changes: dict[str, Any]) -> None:
    why = refused("write", sent_back(script=SCRIPT, **changes), tmp_path)

    assert why == f"write must not change {next(iter(changes))}"


@pytest.mark.parametrize("capability", ["package", "publish"])
def test_what_is_approved_and_published_is_never_made_elsewhere(
    tmp_path: Path, capability: Capability
) -> None:
    assert "never done on a host" in refused(capability, sent_back(post=POST), tmp_path)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"job_id": 7}', "[" * 100_000, "\ud800", "NaN"])
def test_what_is_no_job_is_refused(tmp_path: Path, text: str) -> None:
    assert refused("write", text, tmp_path) == "what came back is no job of this version"


def test_unknown_fields_are_refused(tmp_path: Path) -> None:
    text = sent_back(script=SCRIPT)[:-1] + ',"run":"rm -rf /"}'

    assert refused("write", text, tmp_path) == "what came back is no job of this version"


def test_an_answer_without_the_field_is_refused(tmp_path: Path) -> None:
    assert refused("write", sent_back(), tmp_path) == "it came back without script"


def test_what_operators_are_to_read_is_not_taken_back(tmp_path: Path) -> None:
    assert "took back" in refused("write", sent_back(script=SCRIPT, fallbacks=()), tmp_path)


def test_endless_notes_are_refused(tmp_path: Path) -> None:
    long = NOTE.model_copy(update={"why": "x" * 501})
    assert "500 characters" in refused(
        "write", sent_back(script=SCRIPT, fallbacks=(NOTE, long)), tmp_path
    )
    assert "too many" in refused(
        "write", sent_back(script=SCRIPT, fallbacks=(NOTE,) * 22), tmp_path
    )


def test_a_writer_does_not_accept_its_own_script(tmp_path: Path) -> None:
    text = sent_back(script=SCRIPT, review=review("accept"))

    assert refused("write", text, tmp_path) == "it judged what it wrote itself"


def test_a_line_must_point_into_the_article(tmp_path: Path) -> None:
    (line,) = SCRIPT.lines
    far = line.model_copy(update={"span": line.span and line.span.model_copy(update={"end": 99})})
    text = sent_back(script=SCRIPT.model_copy(update={"lines": (far,)}))

    assert refused("write", text, tmp_path) == "line 1 points outside the article"


def test_an_article_has_the_hash_of_its_text(tmp_path: Path) -> None:
    before = JOB.model_copy(update={"article": None})
    text = sent_back(before, trend=RESULTS["scout"]["trend"], article=ARTICLE)

    assert "hash" in refused("scout", text, tmp_path, before)


def test_offers_and_links_are_never_matched_on_a_host(tmp_path: Path) -> None:
    before = JOB.model_copy(update={"script": SCRIPT})
    text = sent_back(before, offer=OfferChoice(offer=None, reason="none"))

    assert "never done on a host" in refused("match_offers", text, tmp_path, before)


def rendered(folder: Path, **changes: str) -> str:
    paths = {}
    for kind in ("video", "thumbnail", "captions"):
        path = folder / kind
        path.write_text(kind)
        paths[f"{kind}_path"] = str(path)
        paths[f"{kind}_sha256".removeprefix("video_")] = hashlib.sha256(kind.encode()).hexdigest()
    voice = folder / "voice.wav"
    voice.write_text("voice")
    voiceover = RESULTS["render"]["voiceover"].model_copy(update={"path": str(voice)})
    return sent_back(voiceover=voiceover, render=RENDER.model_copy(update=paths | changes))


def test_files_of_the_jobs_own_folder_come_home(tmp_path: Path) -> None:
    assert accept("render", JOB, rendered(tmp_path), tmp_path).render is not None


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret", "missing.mp4", "\x00", ""])
def test_no_other_file_does(tmp_path: Path, path: str) -> None:
    folder = tmp_path / "7"
    folder.mkdir()
    (tmp_path / "secret").write_text("s")
    given = path if path.startswith("/") else f"{folder}/{path}"

    assert refused("render", rendered(folder, video_path=given), folder)


def test_a_link_out_of_the_folder_is_followed_and_refused(tmp_path: Path) -> None:
    folder = tmp_path / "7"
    folder.mkdir()
    (folder / "link.mp4").symlink_to("/etc/passwd")

    why = refused("render", rendered(folder, video_path=str(folder / "link.mp4")), folder)

    assert "outside the job's own folder" in why


def test_a_file_has_the_hash_that_was_told(tmp_path: Path) -> None:
    assert "hash" in refused("render", rendered(tmp_path, sha256="0" * 64), tmp_path)
