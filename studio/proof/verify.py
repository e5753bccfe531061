"""Check a proof pack of BookAI Studio. Needs Python 3.11 and the package `cryptography`, no more.

    python verify.py [PACK] [--key KEY] [--video FILE]

PACK is the zip or the folder it was unpacked to; without it, the folder of this file. KEY is the
studio's public key, a line or a file, from a place you trust: the one in the pack proves only that
all of it is by one hand. Prints a line a check; exits 0 all good, 1 one failed, 2 unreadable pack.
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


def canonical(post: dict[str, Any]) -> bytes:
    """Return the one JSON text of a post, whose hash an approval is given for."""
    return json.dumps(post, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def load(path: Path) -> Files:
    """Read every file of the zip or folder."""
    if path.is_dir():
        found = (one for one in sorted(path.rglob("*")) if one.is_file())
        return {one.relative_to(path).as_posix(): one.read_bytes() for one in found}
    with zipfile.ZipFile(path) as pack:
        names = pack.namelist()
        if sum(one.file_size for one in pack.infolist()) > LARGEST or len({*names}) < len(names):
            raise Bad(f"{path} is larger than {LARGEST} bytes, or holds two files of one name")
        return {name: pack.read(name) for name in names}


def content(files: Files, name: str) -> Any:
    """Return a JSON file of the pack."""
    if name not in files:
        raise Bad(f"{name} is missing")
    return json.loads(files[name])


class Key:
    """An ed25519 public key in its one-line form: name+id+base64."""

    def __init__(self, line: str) -> None:
        self.name, self.id, encoded = line.strip().split("+", 2)
        raw = base64.b64decode(encoded, validate=True)
        if raw[:1] != b"\x01" or sha256(self.name.encode() + b"\n" + raw)[:8] != self.id:
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
        if last == 0:
            return b""
        if index & 1 or index == last:
            node = hashlib.sha256(b"\x01" + step + node).digest()
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\x01" + node + step).digest()
        index, last = index >> 1, last >> 1
    return node if last == 0 else b""


class Pack:
    """The files with what the checks share."""

    def __init__(self, files: Files, key: Key, video: Path | None) -> None:
        self.files, self.key, self.video = files, key, video
        self.job = content(files, "job.json")
        self.events: list[dict[str, Any]] = content(files, "audit/events.json")
        told = (event for event in self.events if "body" in event)
        self.shown = [{**event, "said": json.loads(event["body"])} for event in told]
        rows = sorted(name for name in files if name.startswith("approvals/"))
        self.approvals = [(name, content(files, name)) for name in rows]

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of a kind, in the log's order."""
        found = (event for event in self.shown if event["kind"] == kind)
        return sorted(found, key=lambda event: int(event["leaf_index"]))

    def post(self) -> dict[str, Any] | None:
        """Return the post that went out, else the last one that somebody was asked about."""
        sent = {event["said"]["digest"] for event in self.of_kind("post.sending")}
        rows = [row for _, row in self.approvals]
        out = next((row for row in rows if row["digest"] in sent), rows[-1] if rows else None)
        return out["post"] if out else None

    def manifest(self) -> str:
        """Check that the pack holds exactly the files that MANIFEST names."""
        lines = self.files.get("MANIFEST", b"").decode().splitlines()
        wanted = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
        for name in sorted(wanted.keys() | self.files.keys() - {"MANIFEST", SIGNED}):
            if name not in self.files or name not in wanted:
                raise Bad(f"{name} is {'missing' if name in wanted else 'not in MANIFEST'}")
            if sha256(self.files[name]) != wanted[name]:
                raise Bad(f"{name} was changed")
        return f"{len(wanted)} files are as MANIFEST has them"

    def signature(self) -> str:
        """Check that the manifest is the one the studio signed."""
        lines = self.key.open(self.files.get(SIGNED, b"").decode(), PACK_ORIGIN)
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
            if event.get("job_id", self.job["job_id"]) != self.job["job_id"]:
                raise Bad(f"event {event['event_id']} is of job {event['job_id']}")
        if len({event["leaf_index"] for event in self.events}) != self.job["events"]:
            raise Bad(f"{self.job['events']} events were packed, {len(self.events)} are here")
        hidden = len(self.events) - len(self.shown)
        return f"{len(self.events)} events ({hidden} withheld) are under the one over {size}"

    def approval(self) -> str:
        """Check each approval against the post it shows and against the log."""
        decided = {one["said"]["approval_id"]: one for one in self.of_kind("approval.decided")}
        said = []
        for name, row in self.approvals:
            if sha256(canonical(row["post"])) != row["digest"]:
                raise Bad(f"{name}: its digest is not that of the post it shows")
            if row["decided_by"] is None:
                continue
            yes = sorted(vote["by"] for vote in row.get("votes", ()) if vote["approve"])
            event = decided.get(row["approval_id"], {"actor": "nobody", "said": {}})
            about, state = event["said"], row["state"]
            told = (about.get("digest"), event["actor"], sorted(about.get("yes", yes)))
            is_other = state in ("approved", "rejected") and about.get("decision") != state
            if told != (row["digest"], row["decided_by"], yes) or is_other:
                raise Bad(f"{name}: the log has another decision, or none: {about} by {told[1]}")
            said.append(f"{about['decision']} by {', '.join(yes) or event['actor']}")
        return f"{len(self.approvals)} asked for, each for exactly its post: {'; '.join(said)}"

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
        known = {(event["said"]["post_id"], event["said"]["digest"]) for event in sent}
        for row in content(self.files, "publications.json"):
            if row["state"] == "posted" and (row["post_id"], row["digest"]) not in known:
                raise Bad(f"publication {row['post_id']} is not in the log")
        return "published after the approval, as the log has it" if sent else "nothing went out"

    def claims(self) -> str:
        """Check that each claim quotes the source text at the place it names."""
        claims = content(self.files, "script.json")["claims"]
        for number, claim in enumerate(claims, 1):
            if claim["span"] is None:
                continue
            data = self.files.get(claim["source"], b"")
            about = content(self.files, claim["source"].replace(".txt", ".json"))
            if sha256(data) != about["sha256"]:
                raise Bad(f"{claim['source']} has not the hash that was noted when it was read")
            start, end = claim["span"]["start"], claim["span"]["end"]
            if not claim["quote"] or data.decode()[start:end] != claim["quote"]:
                raise Bad(f"claim {number} quotes what {claim['source']} does not say there")
        return f"{len(claims)} lines; each that claims something quotes its source"

    def media(self) -> str:
        """Check words, video, thumbnail and captions against the post that was approved."""
        post = self.post()
        if post is None:
            return "no post was made of this job"
        lines = [claim["text"] for claim in content(self.files, "script.json")["claims"]]
        if " ".join(lines).split() != post["transcript"].split():
            raise Bad("script.json is not what the approved post says is spoken")
        noted = {one["kind"]: one for one in content(self.files, "assets.json")}
        found = []
        for kind in ("video", "thumbnail", "captions"):
            wanted = post[f"{kind}_sha256"]
            if noted[kind]["sha256"] != wanted:
                raise Bad(f"{kind} is not the approved one: assets.json has another hash")
            at_hand = self.video.read_bytes() if self.video and kind == "video" else None
            data = at_hand if at_hand is not None else self.files.get(noted[kind].get("file", ""))
            if data is not None and sha256(data) != wanted:
                raise Bad(f"the {kind} at hand is not the approved one")
            found.append(kind if data is not None else f"{kind} (hash only)")
        return f"as approved: the words, {', '.join(found)}"

    def personal(self) -> str:
        """Check personal texts, which lie beside the log, against their commitments in it."""
        rows = json.loads(self.files.get("audit/personal.json", b"[]"))
        said = {event["event_id"]: event["said"] for event in self.shown}
        for row in rows:
            commitment = sha256(bytes.fromhex(row["salt"]) + row["value"].encode())
            if said.get(row["event_id"], {}).get(row["field"]) != {"commitment": commitment}:
                raise Bad(f"{row['field']!r} of event {row['event_id']} is not what was committed")
        return f"{len(rows)} personal texts fit their commitments"


def run(files: Files, trusted: str | None, video: Path | None) -> Iterator[tuple[str, str, str]]:
    """Yield each check's outcome, name and words."""
    key = Key(trusted or files.get("signing.pub", b"").decode())
    if trusted is None:
        yield "note", "key", f"taken from the pack: ask the studio whether {key.id} is its key"
    pack = Pack(files, key, video)
    for check in (
        *(pack.manifest, pack.signature, pack.checkpoint, pack.approval),
        *(pack.order, pack.claims, pack.media, pack.personal),
    ):
        try:
            yield "ok", check.__name__, check()
        except Bad as error:
            yield "FAIL", check.__name__, str(error)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
            yield "FAIL", check.__name__, f"the pack is malformed ({type(error).__name__}: {error})"


def main() -> int:
    """Check the pack that the command line names."""
    arguments = argparse.ArgumentParser(description="Check a proof pack of BookAI Studio.")
    arguments.add_argument("pack", nargs="?", type=Path, default=Path(__file__).parent)
    arguments.add_argument("--key", help="the studio's public key: a line, or a file with it")
    arguments.add_argument("--video", type=Path, help="the published video file")
    given = arguments.parse_args()
    failed, trusted = 0, given.key
    try:
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
