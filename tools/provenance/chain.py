"""The studio's own certificate: a root that it makes once, and a signer that it renews.

A key and its certificate lie in one file, so that the pair can only appear together.
"""

import logging
import os
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from bookai.errors import OperatorNeeded
from tools.provenance.config import Config
from tools.provenance.identity import Identity, read_files, read_identity, read_private

logger = logging.getLogger(__name__)

ROOT = "root.pem"
SIGNER = "signer.pem"
PUBLIC = "root-certificate.pem"
ORGANIZATION = "BookAI Studio"
ROOT_LIFE = timedelta(days=30 * 365)
# Without a time-stamping service a signature counts as long as its certificate does, so a short
# life would spoil old videos: docs/why/content-credentials.md.
SIGNER_LIFE = timedelta(days=10 * 365)
RENEWED_BEFORE = timedelta(days=365)
# A clock that was set back a little must not make the certificate one of the future.
SLACK = timedelta(days=1)


def open_identity(config: Config, now: datetime) -> Identity:
    """Return who signs: the operator's certificate where one is set, else the studio's own.

    The studio's own is made on first use, in any number of processes at once.

    Raises:
        OperatorNeeded: there is no certificate that can sign now; the message names the fault.
    """
    if config.own:
        if not config.folder:
            raise OperatorNeeded(
                "[plugins.c2pa] has no folder for the studio's own certificate.",
                mend="Set folder to a private folder, or certificate_file and key_file to yours.",
            )
        return _open_own(Path(config.folder), now)
    files = [Path(name).expanduser() for name in (config.certificate_file, config.key_file)]
    for file in files:
        if not file.is_absolute():
            raise OperatorNeeded(
                f"[plugins.c2pa] {str(file)!r} is no whole path.", mend="Write it from / on."
            )
    return read_files(files[0], files[1], now)


def _open_own(folder: Path, now: datetime) -> Identity:
    root, signer = folder / ROOT, folder / SIGNER
    try:
        if not root.exists():
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            _write_whole(root, _make_root(now))
        if not signer.exists():
            _write_whole(signer, _make_signer(_read_root(root), now))
        if not (folder / PUBLIC).exists():
            public = _read_root(root)[0].public_bytes(Encoding.PEM)
            _write_whole(folder / PUBLIC, public, mode=0o644)
        identity = _read_signer(signer, root, now)
        if identity.leaf.not_valid_after_utc - now < RENEWED_BEFORE:
            _write_whole(signer, _make_signer(_read_root(root), now), replace=True)
            logger.info("Renewed the certificate %s", signer, extra={"action": "signer_renewed"})
            identity = _read_signer(signer, root, now)
    except OSError as error:
        raise OperatorNeeded(
            f"the studio's own certificate cannot be kept in {folder}: {error.strerror}.",
            mend="Free some space there or correct its rights.",
        ) from error
    return identity


def _read_signer(signer: Path, root: Path, now: datetime) -> Identity:
    """Read the signer as it would be just before its end: an expired one is renewed, not refused.

    Raises:
        OperatorNeeded: the file is damaged, or another root issued it.
    """
    content = read_private(signer)
    try:
        certificates = x509.load_pem_x509_certificates(content)
        certificates[0].verify_directly_issued_by(_read_root(root)[0])
    except (ValueError, TypeError, InvalidSignature) as error:
        raise OperatorNeeded(
            f"{signer} was not issued by {root}.",
            mend="Put the pair back from a backup, or remove signer.pem: it is made anew.",
        ) from error
    at = min(now, certificates[0].not_valid_after_utc)
    return read_identity(content, content, str(signer), at, own=True)


def _read_root(path: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    content = read_private(path)
    try:
        certificate = x509.load_pem_x509_certificate(content)
        key = load_pem_private_key(content, password=None)
    except (ValueError, TypeError) as error:
        raise OperatorNeeded(
            f"{path} is no certificate with its key.", mend="Put it back from a backup."
        ) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise OperatorNeeded(f"{path} has another kind of key.", mend="Put back a backup.")
    return certificate, key


def _make_root(now: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"BookAI Studio root {uuid4().hex[:8]}")
    certificate = (
        _certificate(name, name, key.public_key(), now, ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, SHA256())
    )
    return _file(key, certificate)


def _make_signer(root: tuple[x509.Certificate, ec.EllipticCurvePrivateKey], now: datetime) -> bytes:
    issuer, issuer_key = root
    key = ec.generate_private_key(ec.SECP256R1())
    life = min(SIGNER_LIFE, issuer.not_valid_after_utc - now)
    above = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    certificate = (
        _certificate(_name("BookAI Studio signer"), issuer.subject, key.public_key(), now, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
        )
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(above), critical=False
        )
        .sign(issuer_key, SHA256())
    )
    return _file(key, certificate, issuer)


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePublicKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(common: str) -> x509.Name:
    """Return a name that says nothing about the person or the machine."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANIZATION),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _file(key: ec.EllipticCurvePrivateKey, *certificates: x509.Certificate) -> bytes:
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return secret + b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def _write_whole(path: Path, data: bytes, *, mode: int = 0o600, replace: bool = False) -> None:
    """Write a file that appears complete or not at all; without `replace` a faster one stays."""
    draft = path.with_name(f".{path.name}.{uuid4().hex}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            os.replace(draft, path)
        else:
            # A link, unlike a rename, never replaces what another process has just made.
            os.link(draft, path)
    except FileExistsError:
        logger.info("%s was made by another process", path, extra={"action": "file_exists"})
    finally:
        draft.unlink(missing_ok=True)
