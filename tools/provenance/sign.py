"""Sign a finished video: the last thing that is done to its bytes."""

import errno
import hashlib
import os
import shutil
from datetime import datetime
from pathlib import Path

import c2pa

from bookai.errors import BookAIError, OperatorNeeded
from tools.provenance.chain import open_identity
from tools.provenance.config import GUIDE
from tools.provenance.identity import Identity
from tools.provenance.manifest import Binding, Order, manifest, source_type, training
from tools.provenance.read import MIME, Credentials, open_context, read_credentials, short
from tools.provenance.xmp import append_source_type


def sign_video(path: Path, order: Order, now: datetime) -> Credentials:
    """Replace the video at `path` by itself, signed; return what a reader finds in it.

    It is signed into a file beside, read back, and moved over only when all is well. A film that
    the job has already signed is taken as it is: the same input gives the same file.

    Raises:
        OperatorNeeded: there is no certificate that can sign; the message names the mend.
        BookAIError: the signed file does not read back as ours.
        OSError: the file cannot be written; a full disk has errno ENOSPC.
    """
    identity = open_identity(order.config, now)
    append_source_type(path, source_type(order.binding))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    binding = order.binding.model_copy(update={"unsigned_sha256": digest})
    draft = path.with_name(f".{path.name}.signed")
    try:
        found = _kept(order, draft, binding, identity)
        if found is None:
            _sign(path, draft, order, binding, identity)
            found = read_credentials(draft, identity.anchors)
        if problem := unlike(found, binding, identity):
            raise BookAIError(f"the signed video does not read back: {problem}")
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    return found


def unlike(found: Credentials, binding: Binding, identity: Identity) -> str:
    """Return why credentials are not these facts under our own signature, else nothing."""
    if found.state != "Trusted":
        return "; ".join(found.problems) or f"its state is {found.state}"
    if not is_ours(found, identity):
        return f"{found.signer!r} signed it, not {identity.signer!r}"
    return "" if found.binding == binding else "it says other facts than it was given"


def is_ours(found: Credentials, identity: Identity) -> bool:
    """Tell whether credentials that are trusted by our anchors come from this very studio.

    The studio's own root issues for nobody else; other people may share an operator's authority.
    """
    return identity.own or found.serial == identity.serial


def _kept(order: Order, draft: Path, binding: Binding, identity: Identity) -> Credentials | None:
    """Copy the job's earlier video to `draft` when it is this very film, and says the same."""
    earlier = Path(order.earlier)
    if not earlier.is_file():
        return None
    shutil.copyfile(earlier, draft)
    found = read_credentials(draft, identity.anchors)
    says = (found.title, found.training)
    is_same = says == (short(order.title), training(order))
    return found if is_same and not unlike(found, binding, identity) else None


def _sign(path: Path, draft: Path, order: Order, binding: Binding, identity: Identity) -> None:
    algorithm = getattr(c2pa.C2paSigningAlg, identity.algorithm)
    # The address of a time-stamping service would be the fourth: none, we sign without a network.
    told = c2pa.C2paSignerInfo(algorithm, identity.chain, identity.key, None)
    try:
        with (
            path.open("rb") as source,
            draft.open("w+b") as target,
            open_context(identity.anchors) as context,
            c2pa.Signer.from_info(told) as signer,
            c2pa.Builder(dict(manifest(order, binding)), context=context) as builder,
        ):
            builder.sign(signer, MIME, source, target)
            target.flush()
            os.fsync(target.fileno())
    except c2pa.C2paError as error:
        if shutil.disk_usage(path.parent).free < path.stat().st_size:
            # The library swallows the number of the error that its writes got.
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(draft)) from error
        raise OperatorNeeded(
            f"the video cannot be signed by {identity.signer!r}: {error}.", mend=GUIDE
        ) from error
