"""What the pack says a film is made of, and that it claims nothing which the film belies."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bookai.db.dossier import Dossier
from bookai.film.shots import Candidate, ClipShot, ImageShot, ShotRow
from bookai.models import VideoJob, Voiceover
from studio.proof.assets import PICTURES, REST, list_assets
from tests.graphs.crew import RENDER


def row(shot: ImageShot | ClipShot) -> ShotRow:
    chosen = Candidate(shot=shot, score=1, why="test")
    return ShotRow(line=2, sentence="x", chosen=chosen, licence="CC BY 4.0", credit="Ann")


def dossier(*rows: ShotRow, music: str = "", spoken: Path = Path("none.wav")) -> Dossier:
    voiceover = Voiceover(
        path=str(spoken), words=(), duration_s=1, voice="espeak", language="en",
        sample_rate=48_000, music=music,
    )  # fmt: skip
    job = VideoJob(
        job_id=1,
        source="x",
        requested_by="test",
        render=RENDER.model_copy(update={"shots": rows}),
        voiceover=voiceover,
    )
    return Dossier(
        job=job, channel="default", requested_by="test", status="done",
        created_at=datetime(2026, 1, 1, tzinfo=UTC), runs=(), approvals=(), posts=(), links=(),
        events=(), personal=(), unsealed=0,
    )  # fmt: skip


def of(kind: str, listed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [one for one in listed if one["kind"] == kind]


def test_a_film_of_drawn_pictures_alone_says_that_nothing_of_others_is_shown() -> None:
    listed = list_assets(dossier(), {})

    assert [one["licence"] for one in of("background", listed)] == [PICTURES]
    assert [one["licence"] for one in of("music", listed)] == ["none"]


@pytest.mark.parametrize("shot", [ImageShot(media=0), ClipShot(media=0)])
def test_a_picture_or_clip_is_listed_by_its_line_licence_and_credit(
    shot: ImageShot | ClipShot,
) -> None:
    listed = list_assets(dossier(row(shot)), {})

    assert of(shot.kind, listed) == [
        {
            "kind": shot.kind,
            "name": "shown with line 2",
            "licence": "CC BY 4.0",
            "credit": "Ann",
        }
    ]
    assert [one["licence"] for one in of("background", listed)] == [REST]


def test_the_operators_music_is_listed_by_its_licence() -> None:
    licence = "theme.flac: Ann Example, CC BY 4.0"

    assert of("music", list_assets(dossier(music=licence), {}))[0]["licence"] == licence


def test_a_channels_logo_is_listed_by_name_and_hash_and_never_by_its_folder(
    tmp_path: Path,
) -> None:
    file = tmp_path / "logo.png"
    file.write_bytes(b"a picture")

    listed = list_assets(dossier(), {"kit": {"logo": str(file)}})

    (logo,) = of("logo", listed)
    assert logo["name"] == "logo.png"
    assert len(logo["sha256"]) == 64
    assert str(tmp_path) not in str(listed)
    assert [one["licence"] for one in of("background", listed)] == [REST]
