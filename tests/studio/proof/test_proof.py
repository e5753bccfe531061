"""The proof pack as a third party meets it: its own verifier, in a bare Python, on a folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bookai.db import audit, dossier, jobs
from bookai.errors import Refused
from studio.proof.clean import Machine
from studio.proof.pack import as_zip
from studio.proof.verify import leaf_of
from tests.studio.proof.conftest import (
    KEYS,
    THIEF,
    Maker,
    check,
    edited,
    resealed,
    sha256,
    unpack,
)


async def test_a_pack_verifies_in_a_bare_python(maker: Maker, tmp_path: Path) -> None:
    files = await maker.pack(await maker.publish())
    folder = unpack(files, tmp_path / "pack")

    done = check(folder, "--key", str(KEYS.verifier))

    assert done.failed == {}
    assert done.code == 0
    assert done.out.splitlines()[-1] == "everything holds"
    assert "approved by operator:bea" in done.out
    assert "video, thumbnail, captions" in done.out


async def test_a_zip_verifies_like_the_folder_and_is_the_same_each_time(
    maker: Maker, tmp_path: Path
) -> None:
    files = await maker.pack(await maker.publish())
    folder = unpack(files, tmp_path / "pack")
    (tmp_path / "pack.zip").write_bytes(as_zip(files))

    done = check(folder, str(tmp_path / "pack.zip"), "--key", str(folder / "signing.pub"))

    assert done.code == 0, done.out
    assert as_zip(files) == as_zip(dict(reversed(files.items())))


async def test_without_a_key_from_elsewhere_it_says_so(maker: Maker, tmp_path: Path) -> None:
    folder = unpack(await maker.pack(await maker.publish()), tmp_path / "pack")

    done = check(folder)

    assert done.code == 0
    assert "note  key: taken from the pack" in done.out


async def test_a_downloaded_video_is_compared_with_the_approved_one(
    maker: Maker, tmp_path: Path
) -> None:
    job_id = await maker.publish()
    folder = unpack(await maker.pack(job_id, with_video=False), tmp_path / "pack")
    video = maker.home / "work" / str(job_id) / "video"
    other = tmp_path / "other.mp4"
    other.write_bytes(b"")

    assert "video (hash only)" in check(folder).out
    assert check(folder, "--video", str(video)).code == 0
    assert "video at hand" in check(folder, "--video", str(other)).failed["media"]


async def test_changing_any_file_is_found_and_the_file_named(maker: Maker, tmp_path: Path) -> None:
    files = await maker.pack(await maker.publish())
    missed = {}

    for number, name in enumerate(sorted(files)):
        if name in ("verify.py", "MANIFEST", "MANIFEST.note"):
            continue
        folder = unpack({**files, name: files[name] + b" "}, tmp_path / str(number))
        done = check(folder)
        if done.code != 1 or done.failed.get("manifest") != f"{name} was changed":
            missed[name] = done.out

    assert missed == {}


async def test_a_file_more_or_less_is_found(maker: Maker, tmp_path: Path) -> None:
    files = await maker.pack(await maker.publish())
    fewer = {name: data for name, data in files.items() if name != "checks.json"}

    more = check(unpack({**files, "extra.txt": b"x"}, tmp_path / "more"))
    less = check(unpack(fewer, tmp_path / "less"))

    assert more.failed["manifest"] == "extra.txt is not in MANIFEST"
    assert less.failed["manifest"] == "checks.json is missing"


def swap_proofs(events: list[dict[str, Any]]) -> None:
    events[0]["hashes"], events[1]["hashes"] = events[1]["hashes"], events[0]["hashes"]


def swap_order(events: list[dict[str, Any]]) -> None:
    kinds = {event.get("kind"): event for event in events}
    yes, sent = kinds["approval.decided"], kinds["post.sending"]
    for field in ("leaf_index", "hashes"):
        yes[field], sent[field] = sent[field], yes[field]


def retell(events: list[dict[str, Any]]) -> None:
    decided = next(event for event in events if event["kind"] == "approval.decided")
    decided["actor"] = "operator:zed"


def put_words_beside_a_true_hash(events: list[dict[str, Any]]) -> None:
    decided = next(event for event in events if event["kind"] == "approval.decided")
    decided["leaf"] = leaf_of(decided).hex()
    decided["actor"] = "operator:zed"


def hide(events: list[dict[str, Any]]) -> None:
    events[:] = [event for event in events if event["kind"] != "approval.decided"]


def repost(row: dict[str, Any]) -> None:
    row["post"]["caption"] = "Buy this."


def redigest(row: dict[str, Any]) -> None:
    row["post"]["caption"] = "Buy this."
    post = json.dumps(row["post"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    row["digest"] = sha256(post.encode())


def misquote(script: dict[str, Any]) -> None:
    script["claims"][0]["quote"] = "Owls fly by day."


def reword(script: dict[str, Any]) -> None:
    script["claims"][0]["text"] = "Owls fly by day."


def other_video(rows: list[dict[str, Any]]) -> None:
    rows[0]["sha256"] = "0" * 64


def receipt(rows: list[dict[str, Any]]) -> None:
    rows[0]["digest"] = "0" * 64


def undo(row: dict[str, Any]) -> None:
    row.update(state="pending", decided_by=None, votes=[])


def renumber(row: dict[str, Any]) -> None:
    row.update(approval_id=9, state="pending", decided_by=None, votes=[])


def unsource(script: dict[str, Any]) -> None:
    script["claims"][0].update(span=None, quote=None)


def elsewhere(rows: list[dict[str, Any]]) -> None:
    rows[0]["url"] = "https://evil.example/"


def drop(rows: list[dict[str, Any]]) -> None:
    rows.clear()


def unflag(told: dict[str, Any]) -> None:
    told["flags"]["ai_made"] = False


def voter(row: dict[str, Any]) -> None:
    row["decided_by"] = "operator:zed"


# A forger with the signing key makes manifest and signature fit again: the log still tells.
FORGERIES: dict[str, tuple[str, Callable[[Any], None], str]] = {
    "a proof of another event": ("audit/events.json", swap_proofs, "checkpoint"),
    "two events in another order": ("audit/events.json", swap_order, "checkpoint"),
    "another decider in the log": ("audit/events.json", retell, "checkpoint"),
    "words beside a true hash": (
        "audit/events.json",
        put_words_beside_a_true_hash,
        "checkpoint",
    ),
    "an event cut out": ("audit/events.json", hide, "checkpoint"),
    "an approval of another caption": ("approvals/1.json", repost, "approval"),
    "its digest made to fit": ("approvals/1.json", redigest, "approval"),
    "another decider": ("approvals/1.json", voter, "approval"),
    "a decision taken back": ("approvals/1.json", undo, "approval"),
    "a decision without its post": ("approvals/1.json", renumber, "approval"),
    "a claim without a source": ("script.json", unsource, "claims"),
    "a receipt from elsewhere": ("publications.json", elsewhere, "receipts"),
    "a receipt left out": ("publications.json", drop, "receipts"),
    "a flag that was never set": ("disclosures.json", unflag, "disclosures"),
    "a quote that is not there": ("script.json", misquote, "claims"),
    "another sentence": ("script.json", reword, "media"),
    "another video": ("assets.json", other_video, "media"),
    "a receipt of another post": ("publications.json", receipt, "receipts"),
}


@pytest.mark.parametrize("how", sorted(FORGERIES))
async def test_a_forgery_with_a_manifest_that_fits_is_named(
    maker: Maker, tmp_path: Path, how: str
) -> None:
    name, change, failing = FORGERIES[how]
    files = await maker.pack(await maker.publish())

    done = check(unpack(resealed(edited(files, name, change)), tmp_path / "pack"))

    assert done.code == 1
    assert failing in done.failed, done.out


async def test_another_jobs_approval_is_found(maker: Maker, tmp_path: Path) -> None:
    mine, other = await maker.publish(), await maker.publish()
    files, others = await maker.pack(mine), await maker.pack(other)

    approval = others[f"approvals/{other}.json"]
    lent = check(unpack(resealed({**files, "approvals/9.json": approval}), tmp_path / "one"))
    del files[f"approvals/{mine}.json"]
    events = json.loads(files["audit/events.json"]) + json.loads(others["audit/events.json"])
    files["audit/events.json"] = json.dumps(events).encode()
    with_events = check(unpack(resealed({**files, "approvals/9.json": approval}), tmp_path / "two"))

    assert "approvals/9.json: the log has another decision, or none" in lent.failed["approval"]
    assert f"is of job {other}" in with_events.failed["checkpoint"]


async def test_a_pack_signed_with_another_key_is_found(maker: Maker, tmp_path: Path) -> None:
    files = resealed(await maker.pack(await maker.publish()), THIEF)
    folder = unpack(files, tmp_path / "pack")

    alone, trusted = check(folder), check(folder, "--key", str(KEYS.verifier))

    assert "no signature by key" in alone.failed["checkpoint"]
    assert "no signature by key" in trusted.failed["signature"]


async def test_a_changed_manifest_needs_the_signature(maker: Maker, tmp_path: Path) -> None:
    files = await maker.pack(await maker.publish())
    forged = resealed({**files, "checks.json": b"{}\n"}, THIEF)
    forged |= {"MANIFEST.note": files["MANIFEST.note"], "signing.pub": files["signing.pub"]}
    lines = forged["MANIFEST"].decode().splitlines()
    right = f"{sha256(files['signing.pub'])}  signing.pub"
    lines = [right if line.endswith("  signing.pub") else line for line in lines]
    forged["MANIFEST"] = ("\n".join(lines) + "\n").encode()

    done = check(unpack(forged, tmp_path / "pack"))

    assert done.failed == {"signature": "MANIFEST is not the one that was signed"}


async def test_what_is_no_pack_ends_with_2(maker: Maker, tmp_path: Path) -> None:
    folder = unpack(await maker.pack(await maker.publish()), tmp_path / "pack")
    (tmp_path / "broken.zip").write_bytes(b"PK")
    (folder / "job.json").unlink()

    assert check(folder, str(tmp_path / "broken.zip")).code == 2
    assert check(folder).code == 2
    assert "job.json is missing" in check(folder).out


async def test_no_folder_of_the_machine_is_handed_out(maker: Maker, tmp_path: Path) -> None:
    source = maker.home / "private" / "owls.md"
    files = await maker.pack(await maker.publish(str(source)))

    leaks = [name for name, data in files.items() if str(tmp_path).encode() in data]
    events = json.loads(files["audit/events.json"])
    withheld = [event for event in events if "leaf" in event]
    assert leaks == []
    assert json.loads(files["job.json"])["source"] == "(a folder of the studio)/owls.md"
    assert len(withheld) == 1
    assert "kind" not in withheld[0]
    assert check(unpack(files, tmp_path / "pack")).code == 0


async def test_what_an_operator_said_stays_to_the_letter(maker: Maker, tmp_path: Path) -> None:
    reason = f"as in {maker.home}/notes.md"

    files = await maker.pack(await maker.publish(reason=reason))

    said = json.loads(files["audit/personal.json"])
    assert [row["value"] for row in said] == [reason]
    assert check(unpack(files, tmp_path / "pack")).code == 0


def test_a_web_address_is_no_folder_of_the_machine(tmp_path: Path) -> None:
    machine = Machine(Path("/srv/studio"), "/data/in/a.md")

    for text in ("https://example.org/srv/studio", "/srv/studios", "see /data/inn and tmp/x"):
        assert machine.without(text) == text
    assert machine.without(["/srv/studio/work/1/a b.mp4", {"x": "no /data/in/a.md here"}]) == [
        "(a folder of the studio)/a b.mp4",
        {"x": "no (a folder of the studio)/a.md here"},
    ]
    assert machine.without("file:///srv/x/index.html") == "(a folder of the studio)/index.html"


async def test_personal_texts_are_in_until_they_are_erased(maker: Maker, tmp_path: Path) -> None:
    job_id = await maker.publish()
    await audit.append(
        maker.pool,
        "note.kept",
        "operator:ann",
        {"job_id": job_id},
        personal={"name": "Zoë Example"},
        subject="zoe",
    )
    before = await maker.pack(job_id)
    await audit.erase(maker.pool, "zoe", "operator:ann", "asked for it")
    after = await maker.pack(job_id)

    assert "Zoë Example".encode() in before["audit/personal.json"]
    assert not [name for name, data in after.items() if "Zoë Example".encode() in data]
    assert check(unpack(before, tmp_path / "before")).code == 0
    assert check(unpack(after, tmp_path / "after")).code == 0
    forged = before["audit/personal.json"].replace("Zoë".encode(), b"Zed")
    done = check(unpack(resealed({**before, "audit/personal.json": forged}), tmp_path / "forged"))
    assert "'name' of event" in done.failed["personal"]


async def test_a_job_that_is_not_there_is_refused(maker: Maker) -> None:
    with pytest.raises(Refused, match="there is no job 99"):
        await dossier.read(maker.pool, 99)


async def test_a_job_that_was_refused_early_has_a_pack_too(maker: Maker, tmp_path: Path) -> None:
    await maker.publish()
    async with maker.pool.acquire() as con, con.transaction():
        job_id = await jobs.create(con, "nothing", "default", "operator:ann")
        await jobs.set_status(con, job_id, "refused", reason="no such topic")

    done = check(unpack(await maker.pack(job_id), tmp_path / "pack"))

    assert done.code == 0, done.out
