"""An operator's certificate: every kind that cannot sign is refused by name, before any work."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID

from bookai.errors import OperatorNeeded
from tests.tools.provenance.certificates import NOW, Pair, issue
from tools.provenance.chain import open_identity
from tools.provenance.config import GUIDE, Config, read_config
from tools.provenance.identity import PURPOSES

Operators = Callable[..., Config]
DAY = timedelta(days=1)


def refusal(config: Config) -> str:
    """Return why a certificate is refused; every refusal leads to the guide."""
    with pytest.raises(OperatorNeeded) as caught:
        open_identity(config, NOW)
    assert GUIDE in caught.value.mend
    return str(caught.value)


def test_a_good_one_is_taken_as_it_is(operators: Operators, authority: Pair) -> None:
    leaf = issue("Example Media", authority)

    identity = open_identity(operators(leaf, authority), NOW)

    assert (identity.signer, identity.own, identity.algorithm) == ("Example Media", False, "ES256")
    assert identity.serial == str(leaf.certificate.serial_number)
    assert identity.anchors.encode() == authority.pem


@pytest.mark.parametrize("purpose", PURPOSES)
def test_each_of_the_three_purposes_will_do(
    operators: Operators, authority: Pair, purpose: str
) -> None:
    leaf = issue("Example Media", authority, purposes=[x509.ObjectIdentifier(purpose)])

    assert open_identity(operators(leaf, authority), NOW).leaf == leaf.certificate


def test_an_expired_one_is_refused(operators: Operators, authority: Pair) -> None:
    leaf = issue("Old", authority, ends=-DAY)

    assert "expired on" in refusal(operators(leaf, authority))


def test_an_expired_authority_is_refused(operators: Operators) -> None:
    authority = issue("An old authority", ca=True, ends=-DAY)

    assert "expired on" in refusal(operators(issue("Leaf", authority), authority))


def test_one_of_the_future_is_refused(operators: Operators, authority: Pair) -> None:
    leaf = issue("New", authority, begins=DAY)

    assert "is not valid before" in refusal(operators(leaf, authority))


@pytest.mark.parametrize(
    "purposes",
    [
        (),
        (ExtendedKeyUsageOID.SERVER_AUTH,),
        (ExtendedKeyUsageOID.CODE_SIGNING,),
        (ExtendedKeyUsageOID.TIME_STAMPING,),
        (ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE,),
    ],
    ids=["none", "web server", "code", "time", "any"],
)
def test_one_for_another_purpose_is_refused(
    operators: Operators, authority: Pair, purposes: tuple[x509.ObjectIdentifier, ...]
) -> None:
    leaf = issue("Web", authority, purposes=purposes)

    assert "emailProtection" in refusal(operators(leaf, authority))


def test_one_that_may_not_sign_is_refused(operators: Operators, authority: Pair) -> None:
    leaf = issue("Mute", authority, signs=False)

    assert "digitalSignature" in refusal(operators(leaf, authority))


def test_a_self_signed_one_is_refused(operators: Operators) -> None:
    assert "signed itself" in refusal(operators(issue("Me")))


def test_an_authority_in_the_leafs_place_is_refused(operators: Operators, authority: Pair) -> None:
    assert "Put the leaf first" in refusal(operators(authority))


def test_a_leaf_without_its_authority_is_refused(operators: Operators, authority: Pair) -> None:
    assert "stands alone" in refusal(operators(issue("Leaf", authority)))


def test_a_chain_out_of_order_is_refused(operators: Operators, authority: Pair) -> None:
    between = issue("Between", authority, ca=True)
    leaf = issue("Leaf", between)

    assert open_identity(operators(leaf, between, authority), NOW).signer == "Leaf"
    assert "is no chain" in refusal(operators(leaf, authority, between))


def test_another_ones_key_is_refused(operators: Operators, authority: Pair) -> None:
    leaf = issue("Leaf", authority)

    assert "does not belong to the key" in refusal(operators(leaf, authority, key=authority.secret))


def test_a_key_that_others_can_read_is_refused(operators: Operators, authority: Pair) -> None:
    config = operators(issue("Leaf", authority), authority)
    Path(config.key_file).chmod(0o640)

    with pytest.raises(OperatorNeeded) as caught:
        open_identity(config, NOW)

    assert caught.value.mend == f"chmod 600 {config.key_file}"


def test_a_key_with_a_passphrase_is_refused(operators: Operators, authority: Pair) -> None:
    leaf = issue("Leaf", authority)
    locked = leaf.key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret")
    )

    assert "openssl pkey" in refusal(operators(leaf, authority, key=locked))


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (ec.generate_private_key(ec.SECP256K1()), "secp256k1"),
        (rsa.generate_private_key(65537, 1024), "1024 bits"),
    ],
    ids=["curve", "short RSA"],
)
def test_a_key_that_no_reader_takes_is_refused(
    operators: Operators,
    authority: Pair,
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey,
    said: str,
) -> None:
    leaf = issue("Leaf", authority, key=key)

    assert said in refusal(operators(leaf, authority))


@pytest.mark.parametrize("name", ["certificate_file", "key_file"])
def test_a_missing_file_is_named(operators: Operators, authority: Pair, name: str) -> None:
    config = operators(issue("Leaf", authority), authority)
    Path(getattr(config, name)).unlink()

    assert getattr(config, name) in refusal(config)


def test_files_that_are_something_else_are_refused(operators: Operators, authority: Pair) -> None:
    leaf = issue("Leaf", authority)
    config = operators(leaf, authority, key=b"no key")
    assert "has no PEM key" in refusal(config)

    Path(config.certificate_file).write_bytes(b"no certificate")
    assert "is not a PEM file" in refusal(config)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"enabled": "perhaps"}, "enabled"),
        ({"training": "sometimes"}, "training"),
        ({"sign": True}, "sign"),
        ({"certificate_file": "/a.pem"}, "no key_file"),
        ({"key_file": "/a.pem"}, "no certificate_file"),
    ],
)
def test_a_wrong_table_is_named(table: dict[str, object], said: str) -> None:
    with pytest.raises(OperatorNeeded, match=r"\[plugins\.c2pa\]") as caught:
        read_config({"c2pa": table})

    assert said in str(caught.value)
    assert caught.value.mend


def test_a_path_from_nowhere_is_refused() -> None:
    with pytest.raises(OperatorNeeded, match="no whole path"):
        open_identity(Config(certificate_file="a.pem", key_file="b.pem"), NOW)
