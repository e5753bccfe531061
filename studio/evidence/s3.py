"""An S3-compatible bucket: one object a checkpoint, never overwritten, locked when asked.

With `lock_days` an object is kept by the store itself (object lock, mode COMPLIANCE): until then
nobody can remove it, not with our keys and not with those of the bucket's owner.
"""

import asyncio
import io
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import urllib3
from minio import Minio
from minio.commonconfig import COMPLIANCE
from minio.error import MinioException, S3Error
from minio.retention import Retention
from pydantic import Field

from bookai.db.seal.exports import SignedNote
from bookai.errors import BookAIError, OperatorNeeded, TryLater
from studio.evidence.base import Kind, Place, PlaceConfig, Secret, Setting, check_newest

T = TypeVar("T")

_LONGEST_NOTE = 4096
_FINAL = {
    "AccessDenied": "The key needs s3:GetObject, s3:PutObject and s3:ListBucket there.",
    "InvalidAccessKeyId": "Correct access_key.",
    "SignatureDoesNotMatch": "Correct secret_key, and region when the store asks for one.",
    "NoSuchBucket": "Create the bucket, with object lock when lock_days is set.",
    "InvalidRequest": "Object lock is chosen when a bucket is made: use one that has it.",
}
_EXISTS = ("PreconditionFailed", "ObjectLocked")


class S3Config(PlaceConfig):
    """The bucket; `endpoint` is host[:port]. Plain HTTP is for a store on this machine alone."""

    endpoint: str = Field(pattern=r"^[A-Za-z0-9.:\[\]-]{1,253}$")
    bucket: str = Field(pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$")
    prefix: str = Field(default="bookai-audit/", pattern=r"^([A-Za-z0-9_.-]+/)*$", max_length=200)
    region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]{1,40}$")
    access_key: Secret
    secret_key: Secret
    lock_days: int | None = Field(default=None, ge=1, le=36500)
    secure: bool = True
    ca_file: Path | None = None


class _NoOverwrite(urllib3.PoolManager):
    """Asks the store to refuse a second object of one name; the library has no word for it."""

    def urlopen(self, method: str, url: str, *args: Any, **named: Any) -> Any:
        """Send a request, with our condition when it writes."""
        if method == "PUT":
            named["headers"] = {**dict(named.get("headers") or {}), "If-None-Match": "*"}
        return super().urlopen(method, url, *args, **named)


@dataclass(frozen=True, slots=True)
class S3Place(Place):
    """One prefix of one bucket. Keys are sizes with leading zeros, so they sort by age."""

    config: S3Config
    setting: Setting

    async def push(self, note: SignedNote) -> None:
        """Put the note under its size; the same note again is no error."""
        await self._in_thread(lambda store: self._push(store, note))

    async def fetch(self) -> str:
        """Return the notes of all objects, oldest first."""
        return await self._in_thread(self._fetch)

    def _push(self, store: Minio, note: SignedNote) -> None:
        bucket, key = self.config.bucket, self._key(note.tree_size)
        newest = self._newest_from(store, note.tree_size - 1)
        if newest and check_newest(self._get(store, newest), note, f"{self._where}/{newest}"):
            return
        until = None
        if self.config.lock_days:
            kept_until = datetime.now(UTC) + timedelta(days=self.config.lock_days)
            until = Retention(COMPLIANCE, kept_until.replace(microsecond=0))
        data = note.note.encode()
        try:
            store.put_object(
                bucket, key, io.BytesIO(data), len(data), content_type="text/plain", retention=until
            )
        except S3Error as error:
            if error.code not in _EXISTS:
                raise
            # Written between our look and our put: it must be this very note.
            check_newest(self._get(store, key), note, f"{self._where}/{key}")

    def _newest_from(self, store: Minio, size: int) -> str | None:
        """Return the last key above `size`, if any: there is none unless something is wrong."""
        found = store.list_objects(
            self.config.bucket, prefix=self.config.prefix, start_after=self._key(size)
        )
        return max((one.object_name for one in found if one.object_name), default=None)

    def _fetch(self, store: Minio) -> str:
        found = store.list_objects(self.config.bucket, prefix=self.config.prefix)
        names = sorted(one.object_name for one in found if one.object_name)
        return "\n".join(self._get(store, name) for name in names if name.endswith(".note"))

    def _get(self, store: Minio, key: str) -> str:
        answer = store.get_object(self.config.bucket, key)
        try:
            return answer.read(_LONGEST_NOTE).decode("utf-8", "replace")
        finally:
            answer.close()
            answer.release_conn()

    def _key(self, size: int) -> str:
        return f"{self.config.prefix}{size:020d}.note"

    @property
    def _where(self) -> str:
        return f"bucket {self.config.bucket!r} at {self.config.endpoint}"

    async def _in_thread(self, work: Callable[[Minio], T]) -> T:
        store = self._open()
        try:
            return await asyncio.to_thread(work, store)
        except S3Error as error:
            raise self._said(error) from error
        except (MinioException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            # Only the kind: the library's own words may repeat signed headers.
            raise TryLater(f"{self._where} did not answer ({type(error).__name__}).") from error

    def _said(self, error: S3Error) -> BookAIError:
        code = str(error.code)
        if code in _FINAL:
            return OperatorNeeded(f"{self._where} says {code}.", mend=_FINAL[code])
        return TryLater(f"{self._where} says {code}: {str(error.message)[:200]}")

    def _open(self) -> Minio:
        config = self.config
        # A thread cannot be cancelled: its own limits must end it soon after ours.
        limit = urllib3.Timeout(connect=min(10.0, self.setting.timeout_s), read=10.0)
        return Minio(
            endpoint=config.endpoint,
            access_key=config.access_key.read(),
            secret_key=config.secret_key.read(),
            secure=config.secure,
            region=config.region,
            http_client=_NoOverwrite(
                timeout=limit,
                retries=False,
                ssl_context=ssl.create_default_context(cafile=config.ca_file),
            ),
        )


KIND = Kind("s3", S3Config, S3Place)
