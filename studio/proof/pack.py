"""Write a proof pack: the files, a list of them with their hashes, our signature, a verifier."""

import base64
import hashlib
import io
import os
import zipfile
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import studio.proof
from bookai.db.seal.files import SealKeys
from bookai.db.seal.merkle import KEY_NAME
from bookai.errors import OperatorNeeded
from studio.proof.gather import Files

ORIGIN = "bookai-studio/proof"
"""First line of the signed note over a pack: no checkpoint can be taken for it, nor it for one."""

_TIME = (1980, 1, 1, 0, 0, 0)
_MODE = 0o644 << 16
_HERE = Path(studio.proof.__file__).parent


def seal_pack(files: Files, job_id: int, keys: SealKeys) -> Files:
    """Return the files with verifier, README, public key, manifest and the signature over it."""
    whole = {
        **files,
        "README.txt": (_HERE / "README.txt").read_bytes(),
        "verify.py": verifier(),
        "signing.pub": f"{keys.verifier}\n".encode(),
    }
    lines = (f"{hashlib.sha256(whole[name]).hexdigest()}  {name}\n" for name in sorted(whole))
    manifest = "".join(lines).encode()
    note = _sign(job_id, manifest, keys)
    return {**whole, "MANIFEST": manifest, "MANIFEST.note": note.encode()}


def verifier() -> bytes:
    """Return the program that checks a pack."""
    return (_HERE / "verify.py").read_bytes()


def as_zip(files: Files) -> bytes:
    """Return the zip of the files: the same bytes for the same files, wherever it is made."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as pack:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _TIME)
            entry.external_attr = _MODE
            entry.create_system = 3
            # Packed once already: a video does not get smaller, and text is short.
            is_packed = name.endswith((".mp4", ".jpg"))
            entry.compress_type = zipfile.ZIP_STORED if is_packed else zipfile.ZIP_DEFLATED
            pack.writestr(entry, files[name])
    return out.getvalue()


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that appears complete or not at all.

    Raises:
        OperatorNeeded: it cannot be written there.
    """
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
    except OSError as error:
        raise OperatorNeeded(
            f"{path} cannot be written ({error.strerror}).", mend="Choose another --out."
        ) from error
    finally:
        with suppress(OSError):  # a draft that could not be made cannot be removed either
            draft.unlink()


def _sign(job_id: int, manifest: bytes, keys: SealKeys) -> str:
    text = f"{ORIGIN}\n{job_id}\n{hashlib.sha256(manifest).hexdigest()}\n"
    signature = keys.verifier.key_id + keys.private.sign(text.encode())
    return f"{text}\n\N{EM DASH} {KEY_NAME} {base64.b64encode(signature).decode()}\n"
