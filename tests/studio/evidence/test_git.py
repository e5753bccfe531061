"""Copies in a git remote: a real git, a real bare repository over file://."""

import subprocess
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest
from pydantic import ValidationError

from bookai.db.pool import Pool
from bookai.db.seal import exports
from bookai.db.seal.merkle import split_notes
from bookai.db.seal.verify import verify
from bookai.errors import TryLater
from studio.evidence.base import Divergence, Setting
from studio.evidence.git import GitConfig, GitPlace
from tests.studio.evidence.conftest import KEYS, note, own, rewritten_log, without


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-c", "user.name=x", "-c", "user.email=x@x.invalid", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return done.stdout


@pytest.fixture
def remote(tmp_path: Path) -> Path:
    folder = tmp_path / "remote.git"
    folder.mkdir()
    git(folder, "init", "--bare", "--quiet", "--initial-branch=main")
    return folder


@pytest.fixture
def place(remote: Path, setting: Setting) -> GitPlace:
    return GitPlace(GitConfig(url=f"file://{remote}"), setting)


async def test_each_push_is_a_commit_and_all_notes_come_back(place: GitPlace, remote: Path) -> None:
    for size in (3, 9, 1500):
        await place.push(note(size), own)

    assert git(remote, "log", "--format=%s", "main").split("\n")[:3] == [
        "Checkpoint over 1500 events",
        "Checkpoint over 9 events",
        "Checkpoint over 3 events",
    ]
    assert git(remote, "ls-tree", "--name-only", "main").split() == [
        "2026-11-25.notes",
        "2026-11-26.notes",
    ]
    assert list(split_notes(await place.fetch())) == [note(size).note for size in (3, 9, 1500)]


async def test_the_same_checkpoint_twice_is_one_commit(place: GitPlace, remote: Path) -> None:
    await place.push(note(3), own)
    await place.push(note(3), own)

    assert git(remote, "rev-list", "--count", "main").strip() == "1"


async def test_files_of_others_on_the_branch_stay(
    place: GitPlace, remote: Path, tmp_path: Path
) -> None:
    git(tmp_path, "clone", "--quiet", str(remote), "other")
    (tmp_path / "other" / "README").write_text("ours\n")
    git(tmp_path / "other", "add", "README")
    git(tmp_path / "other", "commit", "--quiet", "-m", "hello")
    git(tmp_path / "other", "push", "--quiet", "origin", "HEAD:main")

    await place.push(note(3), own)

    assert git(remote, "show", "main:README") == "ours\n"


async def rewritten(remote: Path, tmp_path: Path, how: str) -> None:
    git(tmp_path, "clone", "--quiet", str(remote), "thief")
    thief = tmp_path / "thief"
    file = thief / "2026-11-25.notes"
    if how == "history":
        git(thief, "reset", "--quiet", "--hard", "HEAD~1")
    elif how == "text":
        file.write_text(file.read_text().replace("\n3\n", "\n4\n"))
        git(thief, "commit", "--quiet", "-am", "oops")
    elif how == "file":
        git(thief, "rm", "--quiet", file.name)
        git(thief, "commit", "--quiet", "-m", "oops")
    where = ":main" if how == "branch" else "HEAD:main"
    git(remote, "config", "receive.denyDeleteCurrent", "ignore")
    git(thief, "push", "--quiet", "--force", "origin", where)


@pytest.mark.parametrize("how", ["history", "text", "file", "branch"])
async def test_a_branch_that_was_tampered_with_is_an_alarm_and_stays_as_it_is(
    place: GitPlace, remote: Path, tmp_path: Path, how: str
) -> None:
    await place.push(note(3), own)
    await place.push(note(9), own)
    await rewritten(remote, tmp_path, how)
    before = git(remote, "for-each-ref")

    with pytest.raises(Divergence):
        await place.push(note(12), own)
    with pytest.raises(Divergence):
        await place.push(note(12), own)

    assert git(remote, "for-each-ref") == before


@pytest.mark.parametrize("ours", [note(5), note(9, root=b"x")])
async def test_a_database_that_was_rolled_back_or_rewritten_is_an_alarm(
    place: GitPlace, ours: exports.SignedNote
) -> None:
    await place.push(note(9), own)

    with pytest.raises(Divergence):
        await place.push(ours, own)


async def test_a_rewritten_database_that_grew_past_the_copy_is_an_alarm(
    place: GitPlace, remote: Path
) -> None:
    await place.push(note(9), own)
    before = git(remote, "for-each-ref")

    for other in (without, rewritten_log):
        with pytest.raises(Divergence, match="over 9 events"):
            await place.push(note(12, root=b"x"), other)

    assert git(remote, "for-each-ref") == before


async def test_a_remote_that_is_away_is_tried_later(setting: Setting, tmp_path: Path) -> None:
    place = GitPlace(GitConfig(url=f"file://{tmp_path}/nowhere.git"), setting)

    with pytest.raises(TryLater, match="nowhere"):
        await place.push(note(3), own)


async def test_locks_of_a_killed_git_do_not_stop_the_next(
    place: GitPlace, setting: Setting
) -> None:
    await place.push(note(3), own)
    for name in ("config.lock", "refs/bookai/seen.lock"):
        (setting.folder / name).write_text("")

    await place.push(note(9), own)

    assert len(list(split_notes(await place.fetch()))) == 2


async def test_a_fetched_file_proves_the_log_it_came_from(
    place: GitPlace, pool: Pool, grow: Callable[[], Awaitable[Path]], tmp_path: Path
) -> None:
    for _ in range(3):
        await grow()
        newest = await exports.newest(pool)
        assert newest is not None
        await place.push(newest, partial(exports.note_over, pool))
    fetched = tmp_path / "fetched.notes"
    fetched.write_text(await place.fetch())

    assert (await verify(pool, KEYS.verifier, fetched)).problems == ()


@pytest.mark.parametrize(
    "url", ["https://ann:hunter2@example.org/x.git", "--upload-pack=x", "ext::sh -c x"]
)
def test_a_url_with_a_password_or_a_program_in_it_is_refused(url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        GitConfig(url=url)

    assert "hunter2" not in str(caught.value.errors(include_input=False))


def test_a_token_goes_over_a_closed_line_or_to_this_machine_alone() -> None:
    token = {"env": "X"}
    for url in ("https://example.org/x.git", "http://127.0.0.1:3000/x.git"):
        assert GitConfig.model_validate({"url": url, "token": token}).token

    with pytest.raises(ValidationError, match="https"):
        GitConfig.model_validate({"url": "HTTP://example.org/x.git", "token": token})
