"""Turn a job's dossier into the files of a proof pack: plain JSON and text, named for readers."""

import json
from pathlib import Path
from typing import Any

from bookai.db.dossier import Dossier
from bookai.db.seal.merkle import event_leaf
from bookai.db.seal.prove import Inclusion
from bookai.house import VERSION
from bookai.models import Post
from bookai.settings import Settings
from studio.proof import assets
from studio.proof.clean import Machine

SOURCE = "sources/1.txt"
NAMES = {"video": "video.mp4", "thumbnail": "thumbnail.jpg", "captions": "captions.vtt"}
VERBATIM = ("approval.decided", "approval.voted", "post.sending")
WITHHELD = "its text names a folder of the studio's machine"

Files = dict[str, bytes]


def gather(dossier: Dossier, settings: Settings, *, with_video: bool) -> Files:
    """Return the pack's files, but for those that speak of the pack itself."""
    job = dossier.job
    machine = Machine(settings.home, job.source)
    files: Files = {}

    def put(name: str, value: Any) -> None:
        files[name] = as_json(machine.without(value))

    put("job.json", _about(dossier))
    if job.article:
        files[SOURCE] = job.article.text.encode()
        put(SOURCE.replace(".txt", ".json"), _plain(job.article, without={"text"}))
    files["script.json"] = as_json(_script(dossier, machine))
    put("making.json", _making(dossier))
    media = _media(dossier, with_video=with_video)
    files |= media
    put("assets.json", _assets(dossier, settings, media))
    put("checks.json", {"script": _plain(job.review), "video": _plain(job.check)})
    for approval in dossier.approvals:
        row = machine.without(_plain(approval, without={"video_path", "post"}))
        # The post as it is, to the letter: the digest that was approved is over exactly this.
        row["post"] = approval.post.model_dump(mode="json")
        files[f"approvals/{approval.approval_id}.json"] = as_json(row)
    # Words of the post and of its script, which are in here to the letter anyway.
    files["disclosures.json"] = as_json(_disclosures(dossier))
    put("publications.json", dossier.posts)
    files["audit/events.json"] = as_json([_event(one, machine) for one in dossier.events])
    files["audit/checkpoint.note"] = dossier.events[0].note.encode()
    files["audit/personal.json"] = as_json(_personal(dossier, machine))
    if job.render:
        put("credentials.json", assets.credentials_of(Path(job.render.video_path)))
    return files


def as_json(value: Any) -> bytes:
    """Return JSON that reads well and is the same for the same value."""
    text = json.dumps(value, sort_keys=True, indent=1, ensure_ascii=False, default=str)
    return f"{text}\n".encode()


def _plain(record: Any, without: set[str] | None = None) -> Any:
    return record.model_dump(mode="json", exclude=without) if record is not None else None


def _about(dossier: Dossier) -> dict[str, Any]:
    job = dossier.job
    return {
        "job_id": job.job_id,
        "source": job.source,
        "channel": dossier.channel,
        "requested_by": dossier.requested_by,
        "status": dossier.status,
        "created_at": dossier.created_at.isoformat(),
        "trend": _plain(job.trend),
        "skipped": job.skipped,
        "report": _plain(job.report),
        "events": len(dossier.events),
        "events_not_sealed_yet": dossier.unsealed,
        "studio": f"BookAI Studio {VERSION}",
    }


def _script(dossier: Dossier, machine: Machine) -> dict[str, Any]:
    """Return the script; its claims to the letter, for they are compared with source and post."""
    script = dossier.job.script
    if script is None:
        return {"claims": []}
    text = dossier.job.article.text if dossier.job.article else ""
    claims = [
        {
            "text": line.text,
            "kind": line.kind,
            "span": _plain(line.span),
            "source": SOURCE if line.span else None,
            "quote": text[line.span.start : line.span.end] if line.span else None,
        }
        for line in script.lines
    ]
    about = machine.without(_plain(script, without={"lines"}))
    return {**about, "edits": dossier.job.edits, "claims": claims}


def _making(dossier: Dossier) -> dict[str, Any]:
    job = dossier.job
    return {
        "studio": f"BookAI Studio {VERSION}",
        "model": job.script.writer if job.script else None,
        "draft_kind": job.script.draft_kind if job.script else None,
        "prompts": f"those in agents/ of BookAI Studio {VERSION}, which made this pack",
        "fell_back": [_plain(one) for one in job.fallbacks],
        "runs": dossier.runs,
    }


def _media(dossier: Dossier, *, with_video: bool) -> Files:
    """Return the files themselves where they are still the ones that were made."""
    render = dossier.job.render
    if render is None:
        return {}
    wanted = {
        "thumbnail": (render.thumbnail_path, render.thumbnail_sha256),
        "captions": (render.captions_path, render.captions_sha256),
    }
    if with_video:
        wanted["video"] = (render.video_path, render.sha256)
    return {
        f"files/{NAMES[kind]}": Path(path).read_bytes()
        for kind, (path, sha256) in wanted.items()
        if assets.hash_of(Path(path)) == sha256
    }


def _assets(dossier: Dossier, settings: Settings, media: Files) -> list[dict[str, Any]]:
    channel = settings.channels.get(dossier.job.channel)
    kit = {"font": channel.kit.font, "logo": channel.kit.logo} if channel else {}
    listed = assets.list_assets(dossier, {**settings.plugins, "kit": kit})
    for one in listed:
        name = f"files/{NAMES.get(one['kind'])}"
        if name in media:
            one["file"] = name
    article = dossier.job.article
    if article:
        licence = article.licence or "not stated; quoted with credit"
        listed.append({"kind": "source", "sha256": article.sha256, "licence": licence})
    return listed


def _disclosures(dossier: Dossier) -> dict[str, Any]:
    post: Post | None = dossier.job.post
    lines = dossier.job.script.lines if dossier.job.script else ()
    return {
        "flags": _plain(post.flags) if post else None,
        "in_caption": post.disclosure if post else None,
        "source_credit": post.source_credit if post else None,
        "spoken": [line.text for line in lines if line.kind == "disclosure"],
        "offer": {"name": post.offer_name, "url": post.offer_url} if post else None,
    }


def _event(one: Inclusion, machine: Machine) -> dict[str, Any]:
    """Return an event in its exact words, or only its hash where they would tell too much."""
    told = {"event_id": one.event_id, "leaf_index": one.leaf_index, "hashes": one.hashes}
    if _is_withheld(one, machine):
        return {**told, "leaf": leaf_of(one).hex(), "withheld": WITHHELD}
    words = {"at_us": one.at_us, "kind": one.kind, "actor": one.actor, "job_id": one.job_id}
    return {**told, **words, "body": one.body}


def _personal(dossier: Dossier, machine: Machine) -> list[dict[str, Any]]:
    """Return the texts beside the log that belong to events which are shown."""
    shown = {one.event_id: one for one in dossier.events if not _is_withheld(one, machine)}
    return [
        row
        for row in dossier.personal
        if (event := shown.get(row["event_id"]))
        and (event.kind in VERBATIM or not machine.is_named_in(row["value"]))
    ]


def _is_withheld(one: Inclusion, machine: Machine) -> bool:
    # What an operator said, and what was sent, is what a proof is for: that stays to the letter.
    return one.kind not in VERBATIM and machine.is_named_in(one.actor + one.body)


def leaf_of(one: Inclusion) -> bytes:
    """Return the hash that stands for an event in the tree."""
    return event_leaf(one.event_id, one.at_us, one.kind, one.actor, one.job_id, one.body)
