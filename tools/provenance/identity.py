"""Who signs: a certificate chain with its key, looked at closely before anything is signed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID

from bookai.errors import OperatorNeeded
from tools.provenance.config import GUIDE

# What a certificate must be for, one of these: e-mail protection, document signing (RFC 9336),
# and the claim signing of the C2PA's own conformance programme.
PURPOSES = ("1.3.6.1.5.5.7.3.4", "1.3.6.1.5.5.7.3.36", "1.3.6.1.4.1.62558.2.1")
SMALLEST_RSA = 2048
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}

Extension = TypeVar("Extension", bound=x509.ExtensionType)
SigningKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Identity:
    """A signer: certificates from the leaf upwards, the leaf's key, the COSE algorithm's name.

    `own` tells a chain that this studio made from an operator's.
    """

    certificates: tuple[x509.Certificate, ...]
    key: bytes = field(repr=False)
    algorithm: str
    own: bool

    @property
    def leaf(self) -> x509.Certificate:
        """The certificate that signs."""
        return self.certificates[0]

    @property
    def signer(self) -> str:
        """The leaf's common name, else its organization."""
        for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
            for one in self.leaf.subject.get_attributes_for_oid(oid):
                return str(one.value)
        return "a nameless certificate"

    @property
    def serial(self) -> str:
        """The leaf's serial number in decimal, as a reader shows it."""
        return str(self.leaf.serial_number)

    @property
    def chain(self) -> bytes:
        """All certificates as PEM, the leaf first."""
        return _pem(self.certificates)

    @property
    def anchors(self) -> str:
        """The certificates above the leaf as PEM: who trusts these trusts what it signs."""
        return _pem(self.certificates[1:]).decode()


def read_identity(chain: bytes, key: bytes, where: str, now: datetime, *, own: bool) -> Identity:
    """Put a chain and its key together.

    `where` names the certificate's file in messages.

    Raises:
        OperatorNeeded: they cannot sign Content Credentials; the message names the one fault.
    """
    try:
        certificates = tuple(x509.load_pem_x509_certificates(chain))
    except ValueError as error:
        raise _wrong(where, "is not a PEM file of certificates", "Convert it to PEM") from error
    private = _load_key(key, where)
    for judge in (_purpose, _signed_by_another, _order):
        judge(certificates, where)
    _dates(certificates, where, now)
    if _public(private) != _public(certificates[0]):
        raise _wrong(where, "does not belong to the key", "Put the pair that was issued together")
    secret = private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return Identity(certificates, secret, _algorithm(private, where), own)


def read_files(certificate: Path, key: Path, now: datetime) -> Identity:
    """Read an operator's chain and key from their files.

    Raises:
        OperatorNeeded: a file is missing or open to others, or the pair cannot sign.
    """
    chain, secret = _read(certificate), read_private(key)
    return read_identity(chain, secret, str(certificate), now, own=False)


def read_private(path: Path) -> bytes:
    """Read a file that only its owner may read.

    Raises:
        OperatorNeeded: it is missing, or other users can read it.
    """
    content = _read(path)
    if path.stat().st_mode & 0o077:
        raise OperatorNeeded(
            f"other users can read the signing key {path}.", mend=f"chmod 600 {path}"
        )
    return content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise OperatorNeeded(
            f"{path} of [plugins.c2pa] cannot be read: {error.strerror}.",
            mend=f"Put it there, or remove both lines to sign with the studio's own. {GUIDE}",
        ) from error


def _load_key(key: bytes, where: str) -> SigningKey:
    try:
        private = load_pem_private_key(key, password=None)
    except TypeError as error:
        raise _wrong(
            where, "has a key with a passphrase", "Take it off: openssl pkey -in KEY -out NEW"
        ) from error
    except ValueError as error:
        raise _wrong(where, "has no PEM key beside it", "Convert the key to PEM") from error
    if not isinstance(private, SigningKey):
        raise _wrong(where, "has a key of an unknown kind", "Use an EC P-256 key")
    return private


def _algorithm(key: SigningKey, where: str) -> str:
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ED25519"
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size >= SMALLEST_RSA:
            return "PS256"
        raise _wrong(where, f"has an RSA key of {key.key_size} bits", f"Use {SMALLEST_RSA} or more")
    if key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    raise _wrong(where, f"has a key on the curve {key.curve.name}", "Use an EC P-256 key")


def _purpose(certificates: Sequence[x509.Certificate], where: str) -> None:
    """Refuse a leaf that is not made for signing: another kind is refused by every reader."""
    leaf = certificates[0]
    extension = _extension(leaf, x509.BasicConstraints)
    if extension is not None and extension.ca:
        raise _wrong(where, "begins with an authority's certificate", "Put the leaf first")
    usage = _extension(leaf, x509.KeyUsage)
    if usage is None or not usage.digital_signature:
        raise _wrong(where, "lacks the key usage digitalSignature", "Have one issued that may sign")
    purposes = [one.dotted_string for one in _extension(leaf, x509.ExtendedKeyUsage) or ()]
    if not set(purposes) & set(PURPOSES):
        raise _wrong(
            where,
            f"is made for {', '.join(purposes) or 'no purpose at all'}",
            "Have one issued with the extended key usage emailProtection",
        )


def _signed_by_another(certificates: Sequence[x509.Certificate], where: str) -> None:
    if certificates[0].issuer == certificates[0].subject:
        raise _wrong(
            where,
            "signed itself: nobody can trust that",
            "Have it issued by an authority of yours, and put that one's certificate below it",
        )
    if len(certificates) == 1:
        raise _wrong(
            where, "stands alone", "Put the certificate that issued it below it in the file"
        )


def _order(certificates: Sequence[x509.Certificate], where: str) -> None:
    for below, above in pairwise(certificates):
        try:
            below.verify_directly_issued_by(above)
        except (ValueError, TypeError, InvalidSignature) as error:
            raise _wrong(
                where,
                f"is no chain: {below.subject.rfc4514_string()!r} was not issued by"
                f" {above.subject.rfc4514_string()!r}",
                "Order them from the leaf upwards",
            ) from error


def _dates(certificates: Sequence[x509.Certificate], where: str, now: datetime) -> None:
    for one in certificates:
        if now > one.not_valid_after_utc:
            raise _wrong(where, f"expired on {one.not_valid_after_utc:%Y-%m-%d}", "Renew it")
        if now < one.not_valid_before_utc:
            raise _wrong(
                where,
                f"is not valid before {one.not_valid_before_utc:%Y-%m-%d}",
                "Look at this machine's clock, or wait",
            )


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def _public(pair: SigningKey | x509.Certificate) -> bytes:
    return pair.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _pem(certificates: Sequence[x509.Certificate]) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


def _wrong(where: str, what: str, mend: str) -> OperatorNeeded:
    return OperatorNeeded(f"the signing certificate {where} {what}.", mend=f"{mend}. {GUIDE}")
