"""Copies in an S3-compatible store, against a store of ours that checks what a real one checks."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from bookai.db.seal.exports import SignedNote
from bookai.db.seal.merkle import split_notes
from bookai.errors import OperatorNeeded, TryLater
from studio.evidence.base import Divergence, Setting
from studio.evidence.s3 import S3Config, S3Place
from tests.peers.s3_store import Store, s3_store
from tests.peers.tls import server_tls
from tests.studio.evidence.conftest import note, own, rewritten_log, without


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with s3_store() as opened:
        monkeypatch.setenv("VAULT_ID", opened.access_key)
        monkeypatch.setenv("VAULT_KEY", opened.secret_key)
        yield opened


def place(store: Store, setting: Setting, **more: Any) -> S3Place:
    values = {
        "endpoint": store.endpoint,
        "bucket": "evidence",
        "secure": False,
        "access_key": {"env": "VAULT_ID"},
        "secret_key": {"env": "VAULT_KEY"},
    }
    return S3Place(S3Config.model_validate(values | more), setting)


async def test_each_checkpoint_is_an_object_and_all_come_back_in_order(
    store: Store, setting: Setting
) -> None:
    there = place(store, setting)

    for size in (9, 10, 100):
        await there.push(note(size), own)

    assert sorted(store.objects) == [
        "bookai-audit/00000000000000000009.note",
        "bookai-audit/00000000000000000010.note",
        "bookai-audit/00000000000000000100.note",
    ]
    fetched = list(split_notes(await there.fetch()))
    assert fetched == [note(size).note for size in (9, 10, 100)]
    assert store.refused == []


async def test_the_store_is_told_to_keep_a_locked_object(store: Store, setting: Setting) -> None:
    await place(store, setting, lock_days=30).push(note(9), own)

    (kept,) = store.objects.values()
    assert kept.retain_until is not None
    assert abs(kept.retain_until - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=1)


async def test_a_store_over_tls_gets_a_hash_of_what_it_is_to_keep(
    setting: Setting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tls, ca_file = server_tls(tmp_path)
    with s3_store(tls) as store:
        monkeypatch.setenv("VAULT_ID", store.access_key)
        monkeypatch.setenv("VAULT_KEY", store.secret_key)

        await place(store, setting, secure=True, ca_file=ca_file, lock_days=1).push(note(9), own)
        with pytest.raises(TryLater):
            await place(store, setting, secure=True).push(note(10), own)

        assert (len(store.objects), store.refused) == (1, [])


async def test_the_same_checkpoint_twice_is_one_object(store: Store, setting: Setting) -> None:
    there = place(store, setting)

    await there.push(note(9), own)
    await there.push(note(9), own)

    assert len(store.objects) == 1


@pytest.mark.parametrize("ours", [note(5), note(9, root=b"x")])
async def test_a_database_that_was_rolled_back_or_rewritten_is_an_alarm(
    store: Store, setting: Setting, ours: SignedNote
) -> None:
    there = place(store, setting)
    await there.push(note(9), own)
    before = dict(store.objects)

    with pytest.raises(Divergence):
        await there.push(ours, own)

    assert store.objects == before


@pytest.mark.parametrize("size", [10, 999, 1009, 400_000])
async def test_a_rewritten_database_that_grew_past_the_copy_is_an_alarm(
    store: Store, setting: Setting, size: int
) -> None:
    there = place(store, setting)
    await there.push(note(3), own)
    await there.push(note(9), own)
    before = dict(store.objects)

    for other in (without, rewritten_log):
        with pytest.raises(Divergence, match="over 9 events"):
            await there.push(note(size, root=b"x"), other)

    assert store.objects == before


@pytest.mark.parametrize(
    "changed",
    [
        {"endpoint": "store.example:9000"},
        {"endpoint": "a:b:c"},
        {"endpoint": "[::1"},
    ],
)
def test_an_open_line_or_no_address_is_refused(
    store: Store, setting: Setting, changed: dict[str, object]
) -> None:
    with pytest.raises(ValidationError):
        place(store, setting, **changed)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"secret_key": {"env": "VAULT_ID"}}, "SignatureDoesNotMatch"),
        ({"access_key": {"env": "VAULT_KEY"}}, "InvalidAccessKeyId"),
        ({"bucket": "another"}, "NoSuchBucket"),
        ({"ca_file": "/nowhere/ca.pem"}, "FileNotFoundError"),
        ({"endpoint": "a..b", "secure": True}, "cannot be reached like this"),
    ],
)
async def test_what_will_never_work_names_its_mend_and_no_secret(
    store: Store, setting: Setting, changed: dict[str, object], code: str
) -> None:
    with pytest.raises(OperatorNeeded, match=code) as caught:
        await place(store, setting, **changed).push(note(9), own)

    assert caught.value.mend
    assert store.secret_key not in str(caught.value)


async def test_a_bucket_without_object_lock_is_not_taken_for_one(
    store: Store, setting: Setting
) -> None:
    store.has_lock = False

    with pytest.raises(OperatorNeeded, match="InvalidRequest"):
        await place(store, setting, lock_days=30).push(note(9), own)


async def test_a_store_that_is_away_is_tried_later(store: Store, setting: Setting) -> None:
    with pytest.raises(TryLater):
        await place(store, setting, endpoint="127.0.0.1:9").push(note(9), own)


def test_a_secret_in_the_settings_is_refused_and_not_repeated(
    store: Store, setting: Setting
) -> None:
    with pytest.raises(ValidationError) as caught:
        place(store, setting, secret_key="hunter2")

    said = str(caught.value.errors(include_input=False, include_context=False))
    assert "env =" in said
    assert "hunter2" not in said
