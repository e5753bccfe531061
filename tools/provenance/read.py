"""Read a video's Content Credentials and say what they are worth. No network is used."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import c2pa
from pydantic import ValidationError

from bookai.models import Record
from tools.provenance.identity import PURPOSES
from tools.provenance.manifest import BINDING, MINING, Binding

MIME = "video/mp4"
LONGEST = 500
State = Literal["Trusted", "Valid", "Invalid", "absent"]


class Action(Record):
    """One thing that was done to the video, by which software; the source type is an IPTC term."""

    action: str
    source_type: str
    software: str


class Credentials(Record):
    """What a video's credentials say. All texts are the signer's words, never ours.

    `state`: Trusted (valid, and the signer's authority is one of the given anchors), Valid,
    Invalid (changed, damaged or expired; `problems` say why), absent. `training` is whether models
    may be trained on it, in the standard's word. `serial` is that of the
    signer's certificate, in decimal. `binding` is None in a video that is not ours.
    """

    state: State
    signer: str = ""
    issuer: str = ""
    serial: str = ""
    claim_generator: str = ""
    title: str = ""
    actions: tuple[Action, ...] = ()
    training: str = ""
    binding: Binding | None = None
    problems: tuple[str, ...] = ()


def read_credentials(path: Path, anchors: str | None = None) -> Credentials:
    """Return what the file at `path` says of itself, the hash over its bytes being checked.

    `anchors` are the PEM certificates of the authorities to trust. Blocks for about a hundredth
    of a second a file; a damaged file is an answer, not an error.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file, open_context(anchors or "") as context:
        try:
            with c2pa.Reader(MIME, file, context=context) as reader:
                return _credentials(reader.get_validation_state(), json.loads(reader.json()))
        except c2pa.C2paError.ManifestNotFound:
            return Credentials(state="absent", problems=("there is no manifest in the file",))
        except (c2pa.C2paError, ValueError, KeyError, TypeError) as error:
            return Credentials(state="Invalid", problems=(short(f"not readable: {error}"),))


def signer_of(path: Path) -> str:
    """Return whose credentials hold for the file, for show; nothing where none do.

    Raises:
        OSError: the file cannot be read.
    """
    found = read_credentials(path)
    return found.signer if found.state in ("Trusted", "Valid") else ""


def open_context(anchors: str) -> c2pa.Context:
    """Return the library's settings: our purposes and anchors, and never a look at the network."""
    trust = {"trust_config": "\n".join(PURPOSES)} | ({"user_anchors": anchors} if anchors else {})
    verify = {"verify_trust": True, "remote_manifest_fetch": False, "ocsp_fetch": False}
    return c2pa.Context.from_dict({"trust": trust, "verify": verify})


def _credentials(state: str | None, told: Mapping[str, Any]) -> Credentials:
    active = told["manifests"][told["active_manifest"]]
    signature = active.get("signature_info") or {}
    facts = {one["label"]: one["data"] for one in active.get("assertions", ())}
    results = told.get("validation_results", {}).get("activeManifest", {})
    problems = (f"{one['code']}: {one.get('explanation', '')}" for one in results["failure"])
    return Credentials(
        state="Trusted" if state == "Trusted" else "Valid" if state == "Valid" else "Invalid",
        signer=short(signature.get("common_name")),
        issuer=short(signature.get("issuer")),
        serial=short(signature.get("cert_serial_number")),
        claim_generator=_software((active.get("claim_generator_info") or [{}])[0]),
        title=short(active.get("title")),
        actions=tuple(_actions(facts)),
        training=_training(facts),
        binding=_binding(facts),
        problems=tuple(short(one) for one in problems),
    )


def _actions(facts: Mapping[str, Any]) -> list[Action]:
    told = facts.get("c2pa.actions.v2") or facts.get("c2pa.actions") or {}
    return [
        Action(
            action=short(one.get("action")),
            source_type=short(one.get("digitalSourceType")),
            software=_software(one.get("softwareAgent")),
        )
        for one in told.get("actions", ())
    ]


def _training(facts: Mapping[str, Any]) -> str:
    """Return the one word for all kinds of training, or nothing where they differ."""
    entries = (facts.get(MINING) or {}).get("entries") or {}
    uses = {short(one.get("use")) for one in entries.values()}
    return uses.pop() if len(uses) == 1 else ""


def _binding(facts: Mapping[str, Any]) -> Binding | None:
    try:
        return Binding.model_validate(facts[BINDING])
    except (KeyError, ValidationError):
        return None


def _software(told: Any) -> str:
    """Return "name version"; the standard allows a record or a text."""
    if isinstance(told, Mapping):
        return short(f"{told.get('name', '')} {told.get('version', '')}".strip())
    return short(told)


def short(text: object) -> str:
    """Return somebody's text on one line, as long as we show it."""
    return " ".join(str(text or "").split())[:LONGEST]
