"""Whether the finished file says who made it, and whether that still holds for its bytes."""

from datetime import UTC, datetime
from pathlib import Path

from bookai.models import Finding
from tools.provenance.chain import open_identity
from tools.provenance.config import Config
from tools.provenance.identity import Identity
from tools.provenance.manifest import Binding
from tools.provenance.read import Credentials, read_credentials
from tools.provenance.sign import is_ours

CHECK = "content_credentials"
UNTRUSTED = "without a certificate from the C2PA's public trust list platforms show it as untrusted"


def judge_credentials(video: Path, config: Config, facts: Binding) -> Finding:
    """Check that the file is signed by us and says the facts of this job.

    `facts` are those that the caller knows: job, offer, writer and voice are compared.

    Raises:
        OperatorNeeded: there is no certificate to compare with.
    """
    if not config.enabled:
        found = read_credentials(video)
        if found.state == "absent":
            return _finding(True, "not signed: turned off in settings")
    identity = open_identity(config, datetime.now(UTC))
    found = read_credentials(video, identity.anchors)
    if found.state != "Trusted":
        why = "; ".join(found.problems) or "its signer is nobody whom this studio trusts"
        return _finding(False, f"{found.state}: {why} (limit Trusted by our own certificate)")
    if not is_ours(found, identity):
        return _finding(False, f"signed by {found.signer!r} (limit {identity.signer!r})")
    if wrong := _unlike(found.binding, facts):
        return _finding(False, f"it says {', '.join(wrong)} of another video: render it again")
    return _finding(True, _praise(found, identity))


def _unlike(said: Binding | None, facts: Binding) -> list[str]:
    """Name the facts in which a video's own words differ from what the job knows."""
    if said is None:
        return ["nothing"]
    known = ("job_id", "paid_promotion", "draft_kind", "writer", "voice")
    return [name for name in known if getattr(said, name) != getattr(facts, name)]


def _praise(found: Credentials, identity: Identity) -> str:
    kind = "the studio's own certificate" if identity.own else f"a certificate of {found.issuer!r}"
    return f"{found.state}, signed by {found.signer!r} with {kind}; {UNTRUSTED}"


def _finding(ok: bool, detail: str) -> Finding:
    return Finding(check=CHECK, ok=ok, detail=detail)
