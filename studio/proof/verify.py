"""Check a proof pack of BookAI Studio. Needs Python 3.11 and the package `cryptography`, no more.

    python -I verify.py [PACK] [--key KEY] [--video FILE]

PACK is the zip, as it came, or the folder it was unpacked to; without it, the folder of this file.
KEY is the studio's public key, a line or a file, from a place you trust: the one in the pack proves
only that all of it is by one hand. Prints a line a check; exits 0 all good, 1 one failed, 2 when
pack or key cannot be read.

The verify.py in a pack is its sender's: take this program from somewhere else. It is one file, if a
long one, so that you can do that, and read it through before you believe it.
"""
# ruff: noqa: E402  # where libraries are looked for is settled before the first of them

import sys

_HERE = __file__.replace("\\", "/").rpartition("/")[0]
if __name__ == "__main__":
    # Before anything else is imported: no argparse.py of a pack may stand in for the real one.
    _OWN = ("", ".", _HERE) if sys.flags.safe_path else ("", ".", _HERE, sys.path[0])
    sys.path[:] = [one for one in sys.path if one.replace("\\", "/") not in _OWN]

import argparse
import base64
import hashlib
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

LOG_ORIGIN, PACK_ORIGIN = "bookai-studio/audit", "bookai-studio/proof"
SIGNED = "MANIFEST.note"
LARGEST = 4 * 1024**3
OURS = re.compile(
    r"(README\.txt|verify\.py|signing\.pub|(job|script|making|assets|checks|disclosures|publications"
    r"|credentials)\.json|sources/[0-9]+\.(txt|json)|approvals/[0-9]+\.json|audit/(events|personal)"
    r"\.json|audit/checkpoint\.note|files/(video\.mp4|thumbnail\.jpg|captions\.vtt))"
)
WORDS = {"kind", "actor", "at_us", "job_id", "body"}
SILENT = ("cta", "disclosure")
MALFORMED = (KeyError, TypeError, ValueError, AttributeError, IndexError)
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
        # What is withheld says nothing: only the hash that stands for it is proved.
        told = (event for event in self.events if "leaf" not in event)
        self.shown = [{**event, "said": json.loads(event["body"])} for event in told]
        rows = ((name, content(files, name)) for name in files if name.startswith("approvals/"))
        self.approvals = sorted(rows, key=lambda row: int(row[1]["approval_id"]))

    def of_kind(self, kind: str) -> list[dict[str, Any]]:
        """Return the events of a kind, in the log's order."""
        found = (event for event in self.shown if event["kind"] == kind)
        return sorted(found, key=lambda event: int(event["leaf_index"]))

    def approved(self) -> dict[str, Any]:
        """Return the posts that were approved, by digest: by their files and by the log."""
        said = {one["said"]["approval_id"]: one["said"] for one in self.of_kind("approval.decided")}
        return {
            row["digest"]: row["post"]
            for _, row in self.approvals
            if row["decided_by"] is not None
            and said.get(row["approval_id"], {}).get("decision") == "approved"
            and said[row["approval_id"]]["digest"] == row["digest"]
            and sha256(canonical(row["post"])) == row["digest"]
        }

    def post(self) -> tuple[dict[str, Any] | None, bool]:
        """Return the post that went out, else the last one asked about; and if it was approved."""
        approved = self.approved()
        if sent := self.of_kind("post.posted") or self.of_kind("post.sending"):
            digest = sent[-1]["said"]["digest"]
            if digest not in approved:
                raise Bad(f"no approval in the pack is for what was sent, {digest}")
            return approved[digest], True
        row = self.approvals[-1][1] if self.approvals else None
        return (row["post"], row["digest"] in approved) if row else (None, False)

    def manifest(self) -> str:
        """Check that the pack holds exactly the files that MANIFEST names."""
        lines = self.files.get("MANIFEST", b"").decode().splitlines()
        wanted = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
        for name in sorted(wanted.keys() | self.files.keys() - {"MANIFEST", SIGNED}):
            if name not in self.files or name not in wanted:
                raise Bad(f"{name} is {'missing' if name in wanted else 'not in MANIFEST'}")
            if sha256(self.files[name]) != wanted[name]:
                raise Bad(f"{name} was changed")
            if not OURS.fullmatch(name):
                raise Bad(f"{name!r} is no file of a proof pack: do not open it")
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
            if "leaf" in event and WORDS & event.keys():
                raise Bad(f"event {event['event_id']} is withheld and yet shows words")
            found = root_of(leaf_of(event), index, int(size), proof)
            if not 0 <= index < int(size) or found != base64.b64decode(root):
                raise Bad(f"event {event['event_id']} is not under the signed checkpoint")
            if event.get("job_id", self.job["job_id"]) != self.job["job_id"]:
                raise Bad(f"event {event['event_id']} is of job {event['job_id']}")
        places = {event["leaf_index"] for event in self.events}
        if not len(places) == len(self.events) == self.job["events"]:
            raise Bad(f"{self.job['events']} events were packed, {len(self.events)} are here")
        hidden = len(self.events) - len(self.shown)
        return f"{len(self.events)} events ({hidden} withheld) are under the one over {size}"

    def approval(self) -> str:
        """Check each approval against the post it shows and against the log."""
        decided = {one["said"]["approval_id"]: one for one in self.of_kind("approval.decided")}
        asked = [*self.of_kind("approval.requested"), *self.of_kind("approval.edited")]
        about = {one["said"]["approval_id"]: one["said"]["digest"] for one in asked}
        said, ids = [], [row["approval_id"] for _, row in self.approvals]
        if len(ids) > len({*ids}):
            raise Bad("two files show one approval")
        for name, row in self.approvals:
            if sha256(canonical(row["post"])) != row["digest"]:
                raise Bad(f"{name}: its digest is not that of the post it shows")
            if about.get(row["approval_id"], row["digest"]) != row["digest"]:
                raise Bad(f"{name}: the log says that another post was asked about")
            event = decided.pop(row["approval_id"], None)
            if row["decided_by"] is not None or event is not None:
                said.append(self.decision(name, row, event or {"actor": "nobody", "said": {}}))
        if decided:
            raise Bad(f"approval {min(decided)} was decided, and no file shows its post")
        words = "; ".join(said) or "nobody decided"
        return f"{len(ids)} asked for, each for exactly its post: {words}"

    def decision(self, name: str, row: dict[str, Any], event: dict[str, Any]) -> str:
        """Compare a decision, as its file has it, with the one in the log."""
        yes = sorted(vote["by"] for vote in row.get("votes", ()) if vote["approve"])
        said, state = event["said"], row["state"]
        told = (said.get("digest"), event["actor"], sorted(said.get("yes", yes)))
        is_other = state in ("pending", "approved", "rejected") and said.get("decision") != state
        if told != (row["digest"], row["decided_by"], yes) or is_other:
            raise Bad(f"{name}: the log has another decision, or none: {said} by {told[1]}")
        if not event["actor"].startswith("rule:"):
            return f"{said['decision']} by {', '.join(yes) or event['actor']}"
        # Nobody said yes to this very post: a person granted the rule, and the log names him.
        rule = said.get("rule") or {}
        granted = str(rule.get("granted_by"))
        asks_people = yes or row["needed"] != 1 or row["approvers"]
        if not granted.startswith("operator:") or asks_people or rule["name"] != event["actor"]:
            raise Bad(f"{name}: {event['actor']} decided what no person had granted")
        return f"{said['decision']} by {event['actor']}, granted by {granted}"

    def order(self) -> str:
        """Check that what went out had been approved before, by the log's own order."""
        approved, yes = self.approved(), dict[str, int]()
        for event in self.of_kind("approval.decided"):
            if event["said"]["decision"] == "approved" and event["said"]["digest"] in approved:
                yes.setdefault(event["said"]["digest"], event["leaf_index"])
        sent = [*self.of_kind("post.sending"), *self.of_kind("post.posted")]
        for event in sent:
            if yes.get(event["said"]["digest"], sys.maxsize) > event["leaf_index"]:
                raise Bad(f"event {event['event_id']} sent what nobody had approved before")
        return "published after the approval, as the log has it" if sent else "nothing went out"

    def receipts(self) -> str:
        """Check each receipt against the log's word on what went out, and where to."""
        rows = content(self.files, "publications.json")
        out = {row["post_id"]: row for row in rows if row["state"] == "posted"}
        posted = {one["said"]["post_id"]: one["said"] for one in self.of_kind("post.posted")}
        sent = {
            (one["said"]["post_id"], one["said"]["digest"]) for one in self.of_kind("post.sending")
        }
        for post_id in posted.keys() - out.keys():
            raise Bad(f"post {post_id} went out, and its receipt is not here")
        for post_id, row in out.items():
            for field in ("digest", "platform", "account", "external_id", "url"):
                if post_id in posted and row[field] != posted[post_id][field]:
                    raise Bad(f"publication {post_id}: the log has another {field}")
            if post_id not in posted and (post_id, row["digest"]) not in sent:
                raise Bad(f"publication {post_id} is not in the log")
        unseen = len(out.keys() - posted.keys())
        more = f", {unseen} of them not compared: withheld" if unseen else ""
        return f"{len(out)} receipts as the log has them{more}"

    def claims(self) -> str:
        """Check that each claim quotes the source text at the place it names."""
        claims, silent = content(self.files, "script.json")["claims"], 0
        for number, claim in enumerate(claims, 1):
            if claim["span"] is None and claim["kind"] in SILENT:
                silent += 1
                continue
            if claim["span"] is None:
                raise Bad(f"claim {number} names no place in a source")
            data = self.files.get(claim["source"], b"")
            about = content(self.files, claim["source"].replace(".txt", ".json"))
            if sha256(data) != about["sha256"]:
                raise Bad(f"{claim['source']} has not the hash that was noted when it was read")
            start, end = claim["span"]["start"], claim["span"]["end"]
            if not claim["quote"] or data.decode()[start:end] != claim["quote"]:
                raise Bad(f"claim {number} quotes what {claim['source']} does not say there")
        return f"{len(claims) - silent} lines quote their source, {silent} claim nothing"

    def media(self) -> str:
        """Check words, video, thumbnail and captions against the post that was approved."""
        post, is_approved = self.post()
        if post is None:
            return "no post was made of this job"
        lines = [claim["text"] for claim in content(self.files, "script.json")["claims"]]
        if " ".join(lines).split() != post["transcript"].split():
            raise Bad("script.json is not what the post says is spoken")
        noted = {one["kind"]: one for one in content(self.files, "assets.json")}
        found = []
        for kind in ("video", "thumbnail", "captions"):
            wanted = post[f"{kind}_sha256"]
            if noted[kind]["sha256"] != wanted:
                raise Bad(f"{kind} is not the one of the post: assets.json has another hash")
            at_hand = self.video.read_bytes() if self.video and kind == "video" else None
            data = at_hand if at_hand is not None else self.files.get(noted[kind].get("file", ""))
            if data is not None and sha256(data) != wanted:
                raise Bad(f"the {kind} at hand is not the one of the post")
            found.append(kind if data is not None else f"{kind} (hash only)")
        how = "as approved" if is_approved else "as asked about, but not approved"
        return f"{how}: the words, {', '.join(found)}"

    def disclosures(self) -> str:
        """Check what viewers and platform are said to be told against the post itself."""
        post, told = self.post()[0], content(self.files, "disclosures.json")
        if post is None:
            return "no post was made of this job"
        offer = {"name": post["offer_name"], "url": post["offer_url"]}
        facts = {"flags": post["flags"], "in_caption": post["disclosure"], "offer": offer}
        for name, fact in {**facts, "source_credit": post["source_credit"]}.items():
            if told[name] != fact:
                raise Bad(f"disclosures.json has another {name} than the post")
        return "as in the post: its flags, disclosure, credit and offer"

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
    if trusted is not None and not trusted.strip():
        raise Bad("--key is empty: an unset variable, or an empty file")
    key = Key(trusted if trusted is not None else files.get("signing.pub", b"").decode())
    if trusted is None:
        yield "note", "key", f"taken from the pack: ask the studio whether {key.id} is its key"
    pack = Pack(files, key, video)
    for check in (
        *(pack.manifest, pack.signature, pack.checkpoint, pack.approval, pack.order),
        *(pack.receipts, pack.claims, pack.media, pack.disclosures, pack.personal),
    ):
        try:
            yield "ok", check.__name__, check()
        except Bad as error:
            yield "FAIL", check.__name__, str(error)
        except MALFORMED as error:
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
    except (Bad, OSError, zipfile.BadZipFile, zlib.error, *MALFORMED, RuntimeError) as error:
        sys.stdout.write(f"FAIL  pack: it cannot be read ({error})\n")
        return 2
    sys.stdout.write(f"{failed} checks failed\n" if failed else "everything holds\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
