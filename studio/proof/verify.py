"""Check a proof pack of BookAI Studio. Needs Python 3.11 and the package `cryptography`, no more.

    python verify.py [PACK] [--key KEY] [--video FILE]

PACK is the zip or the folder it was unpacked to; without it, the folder of this file. KEY is the
studio's public key, a line or a file, from a place you trust: the one in the pack proves only that
all of it comes from one hand. Prints a line a check: `ok`, `FAIL`, or `note` for what cannot be
checked here. Exit status: 0 all good, 1 something failed, 2 the pack cannot be read.
"""

import argparse
import base64
import hashlib
import json
import struct
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG_ORIGIN, PACK_ORIGIN = "bookai-studio/audit", "bookai-studio/proof"
SIGNED = "MANIFEST.note"
LARGEST = 4 * 1024**3
Files = dict[str, bytes]


class Bad(Exception):
    """A check failed; the text names what and where."""


def sha256(data: bytes) -> str:
    """Return the hash in hex."""
    return hashlib.sha256(data).hexdigest()


def load(path: Path) -> Files:
    """Read every file of the zip or folder."""
    if path.is_dir():
        found = (one for one in sorted(path.rglob("*")) if one.is_file())
        return {
            one.relative_to(path).as_posix(): one.read_bytes()
            for one in found
            if "__pycache__" not in one.parts
        }
    with zipfile.ZipFile(path) as pack:
        if sum(one.file_size for one in pack.infolist()) > LARGEST:
            raise Bad(f"{path} unpacks to more than {LARGEST} bytes")
        return {name: pack.read(name) for name in pack.namelist()}


def content(files: Files, name: str) -> Any:
    """Return a JSON file of the pack."""
    if name not in files:
        raise Bad(f"{name} is missing")
    return json.loads(files[name])


# --- signatures ---------------------------------------------------------------------------------


class Key:
    """An ed25519 public key in its one-line form: name+id+base64."""

    def __init__(self, line: str) -> None:
        self.line = line.strip()
        self.name, self.id, encoded = self.line.split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        known = hashlib.sha256(self.name.encode() + b"\n" + raw).hexdigest()[:8]
        if raw[:1] != b"\x01" or known != self.id:
            raise Bad(f"the key id {self.id} does not belong to the key")
        self.public = Ed25519PublicKey.from_public_bytes(raw[1:])

    def open(self, note: str, origin: str) -> list[str]:
        """Return the lines of a C2SP signed note once its signature holds."""
        text, _, signatures = note.partition("\n\n")
        lines = text.split("\n")
        if lines[0] != origin:
            raise Bad(f"a note of {origin} was expected, this is one of {lines[0][:40]!r}")
        mark = f"\N{EM DASH} {self.name} "
        for line in signatures.splitlines():
            signature = base64.b64decode(line.removeprefix(mark)) if line.startswith(mark) else b""
            if signature[:4].hex() == self.id:
                try:
                    self.public.verify(signature[4:], f"{text}\n".encode())
                except InvalidSignature:
                    raise Bad("the signature does not fit the text") from None
                return lines
        raise Bad(f"no signature by key {self.id}")


# --- the audit log's tree (RFC 6962) --------------------------------------------------------------


def leaf_of(event: dict[str, Any]) -> bytes:
    """Return the hash of an event's exact bytes; of a withheld one only the hash is there."""
    if "leaf" in event:
        return bytes.fromhex(event["leaf"])
    kind, actor, job = event["kind"].encode(), event["actor"].encode(), event["job_id"]
    head = struct.pack(
        ">qq?qI", event["event_id"], event["at_us"], job is not None, job or 0, len(kind)
    )
    parts = (b"\x00", head, kind, struct.pack(">I", len(actor)), actor, event["body"].encode())
    return hashlib.sha256(b"".join(parts)).digest()


def root_of(leaf: bytes, index: int, size: int, proof: list[str]) -> bytes:
    """Return the root that an inclusion proof leads to."""
    last, node = size - 1, leaf
    for step in map(bytes.fromhex, proof):
        if index & 1 or index == last:
            node = hashlib.sha256(b"\x01" + step + node).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + step).digest()
        index, last = index >> 1, last >> 1
    return node if last == 0 else b""


# --- the checks ---------------------------------------------------------------------------------


class Pack:
    """The files with what the checks share."""

    def __init__(self, files: Files, key: Key, video: Path | None) -> None:
        self.files, self.key, self.video = files, key, video
        self.job = content(files, "job.json")
        self.events: list[dict[str, Any]] = content(files, "audit/events.json")
        self.shown = [
            {**event, "said": json.loads(event["body"])} for event in self.events if "body" in event
        ]
        self.approvals = [
            (name, content(files, name)) for name in sorted(files) if name.startswith("approvals/")
        ]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of a kind, in the log's order."""
        found = (event for event in self.shown if event["kind"] == kind)
        return sorted(found, key=lambda event: int(event["leaf_index"]))

    def published(self) -> tuple[str, dict[str, Any]] | None:
        """Return the approval whose post went out."""
        sent = {event["said"]["digest"] for event in self.of_kind("post.sending")}
        return next((one for one in self.approvals if one[1]["digest"] in sent), None)

    def signature(self) -> str:
        """Check that the manifest is the one the studio signed."""
        note = self.files.get(SIGNED, b"").decode()
        lines = self.key.open(note, PACK_ORIGIN)
        if lines[1] != str(self.job["job_id"]) or lines[2] != sha256(self.files["MANIFEST"]):
            raise Bad("MANIFEST is not the one that was signed")
        return f"MANIFEST is signed by key {self.key.id}"

    def checkpoint(self) -> str:
        """Check every event's way from its bytes to the signed root."""
        note = self.files.get("audit/checkpoint.note", b"").decode()
        _, size, root = self.key.open(note, LOG_ORIGIN)[:3]
        for event in self.events:
            index, proof = event["leaf_index"], event["hashes"]
            found = root_of(leaf_of(event), index, int(size), proof)
            if not 0 <= index < int(size) or found != base64.b64decode(root):
                raise Bad(f"event {event['event_id']} is not under the signed checkpoint")
        withheld = len(self.events) - len(self.shown)
        more = f", {withheld} of them as hashes only" if withheld else ""
        return f"{len(self.events)} events are under the signed checkpoint over {size}{more}"

    def one_job(self) -> str:
        """Check that the events are this job's, all different, as many as were counted."""
        job_id = self.job["job_id"]
        for event in self.shown:
            if event["job_id"] != job_id:
                raise Bad(f"event {event['event_id']} is of job {event['job_id']}, not {job_id}")
        if len({event["leaf_index"] for event in self.events}) != self.job["events"]:
            raise Bad(f"{self.job['events']} events were packed, {len(self.events)} are here")
        return f"all events are of job {job_id}"

    def approval(self) -> str:
        """Check each approval against the post it shows and against the log."""
        decided = {
            event["said"]["approval_id"]: event for event in self.of_kind("approval.decided")
        }
        said = []
        for name, row in self.approvals:
            text = json.dumps(
                row["post"], sort_keys=True, separators=(",", ":"), ensure_ascii=False
            )
            if sha256(text.encode()) != row["digest"]:
                raise Bad(f"{name}: its digest is not that of the post it shows")
            if row["decided_by"] is None:
                continue
            event = decided.get(row["approval_id"])
            if event is None:
                raise Bad(f"{name}: the log has no decision on it")
            about = event["said"]
            if about["digest"] != row["digest"] or event["actor"] != row["decided_by"]:
                raise Bad(f"{name}: the log says {event['actor']} decided on {about['digest']}")
            if row["state"] == "approved" and about["decision"] != "approved":
                raise Bad(f"{name}: the log says {about['decision']}")
            said.append(f"{about['decision']} by {event['actor']}")
        return f"{len(self.approvals)} approvals, each for exactly its post: {', '.join(said)}"

    def order(self) -> str:
        """Check that what went out had been approved before, by the log's own order."""
        yes = {
            event["said"]["digest"]: event["leaf_index"]
            for event in self.of_kind("approval.decided")
            if event["said"]["decision"] == "approved"
        }
        sent = [*self.of_kind("post.sending"), *self.of_kind("post.posted")]
        for event in sent:
            if yes.get(event["said"]["digest"], sys.maxsize) > event["leaf_index"]:
                raise Bad(f"event {event['event_id']} sent what nobody had approved before")
        return "published after the approval" if sent else "nothing was published"

    def receipts(self) -> str:
        """Check each publication against the log."""
        rows = content(self.files, "publications.json")
        known = {(e["said"]["post_id"], e["said"]["digest"]) for e in self.of_kind("post.sending")}
        for row in rows:
            if row["state"] == "posted" and (row["post_id"], row["digest"]) not in known:
                raise Bad(f"publication {row['post_id']} is not in the log")
        return f"{len(rows)} publications are as the log has them"

    def claims(self) -> str:
        """Check that each claim quotes the source text at the place it names."""
        script = content(self.files, "script.json")
        for number, claim in enumerate(script["claims"], 1):
            if claim["span"] is None:
                continue
            data = self.files.get(claim["source"], b"")
            about = content(self.files, claim["source"].replace(".txt", ".json"))
            if sha256(data) != about["sha256"]:
                raise Bad(f"{claim['source']} has not the hash that was noted when it was read")
            start, end = claim["span"]["start"], claim["span"]["end"]
            if not claim["quote"] or data.decode()[start:end] != claim["quote"]:
                raise Bad(f"claim {number} quotes what {claim['source']} does not say there")
        return f"{len(script['claims'])} lines; each that claims something quotes its source"

    def spoken(self) -> str:
        """Check that the script is what the approved post says is spoken."""
        _, row = self.published() or (self.approvals[-1] if self.approvals else ("", None))
        if row is None:
            return "no post was made of the script"
        lines = [claim["text"] for claim in content(self.files, "script.json")["claims"]]
        if " ".join(" ".join(lines).split()) != " ".join(row["post"]["transcript"].split()):
            raise Bad("script.json is not what the approved post says is spoken")
        return "the script is the transcript of the approved post"

    def media(self) -> str:
        """Check the video, thumbnail and captions against what was approved."""
        _, row = self.published() or (self.approvals[-1] if self.approvals else ("", None))
        if row is None:
            return "no post was made of the video"
        found = []
        noted = {one["kind"]: one for one in content(self.files, "assets.json")}
        for kind in ("video", "thumbnail", "captions"):
            wanted = row["post"][f"{kind}_sha256"]
            if noted[kind]["sha256"] != wanted:
                raise Bad(f"{kind} is not the approved one: assets.json has another hash")
            data = self.files.get(noted[kind].get("file", ""))
            if kind == "video" and self.video:
                data = self.video.read_bytes()
            if data is not None and sha256(data) != wanted:
                raise Bad(f"the {kind} at hand is not the approved one")
            found.append(f"{kind}{'' if data is not None else ' (hash only)'}")
        return f"as approved: {', '.join(found)}"

    def personal(self) -> str:
        """Check personal texts, which lie beside the log, against their commitments in it."""
        rows = json.loads(self.files.get("audit/personal.json", b"[]"))
        said = {event["event_id"]: event["said"] for event in self.shown}
        for row in rows:
            commitment = sha256(bytes.fromhex(row["salt"]) + row["value"].encode())
            if said.get(row["event_id"], {}).get(row["field"]) != {"commitment": commitment}:
                raise Bad(f"{row['field']!r} of event {row['event_id']} is not what was committed")
        return f"{len(rows)} personal texts fit their commitments"


def manifest(files: Files) -> str:
    """Check that the pack holds exactly the files that MANIFEST names."""
    lines = files.get("MANIFEST", b"").decode().splitlines()
    wanted = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in sorted(wanted.keys() | files.keys() - {"MANIFEST", SIGNED}):
        if name not in files or name not in wanted:
            raise Bad(f"{name} is {'missing' if name in wanted else 'not in MANIFEST'}")
        if sha256(files[name]) != wanted[name]:
            raise Bad(f"{name} was changed")
    return f"{len(wanted)} files are as MANIFEST has them"


def run(files: Files, trusted: str | None, video: Path | None) -> Iterator[tuple[str, str, str]]:
    """Yield each check's outcome, name and words."""
    checks = [("manifest", lambda: manifest(files))]
    key = Key(trusted or files.get("signing.pub", b"").decode())
    if trusted is None:
        yield "note", "key", f"taken from the pack: ask the studio whether {key.id} is its key"
    pack = Pack(files, key, video)
    methods = (
        *(pack.signature, pack.checkpoint, pack.one_job, pack.approval, pack.order),
        *(pack.receipts, pack.claims, pack.spoken, pack.media, pack.personal),
    )
    for name, check in (*checks, *((method.__name__, method) for method in methods)):
        try:
            yield "ok", name, check()
        except Bad as error:
            yield "FAIL", name, str(error)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            yield "FAIL", name, f"the pack is malformed ({type(error).__name__}: {error})"


def main() -> int:
    """Check the pack that the command line names."""
    arguments = argparse.ArgumentParser(description="Check a proof pack of BookAI Studio.")
    arguments.add_argument("pack", nargs="?", type=Path, default=Path(__file__).parent)
    arguments.add_argument("--key", help="the studio's public key: a line, or a file with it")
    arguments.add_argument("--video", type=Path, help="the published video file")
    given = arguments.parse_args()
    failed = 0
    try:
        trusted = given.key
        if trusted and Path(trusted).is_file():
            trusted = Path(trusted).read_text(encoding="utf-8")
        for outcome, name, words in run(load(given.pack), trusted, given.video):
            failed += outcome == "FAIL"
            sys.stdout.write(f"{outcome:<4}  {name}: {words}\n")
    except (Bad, OSError, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        sys.stdout.write(f"FAIL  pack: it cannot be read ({error})\n")
        return 2
    sys.stdout.write(f"{failed} checks failed\n" if failed else "everything holds\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
