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
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.commonconfig import COMPLIANCE
from minio.error import MinioException, S3Error
from minio.retention import Retention
from pydantic import Field, model_validator

from bookai.db.seal.exports import SignedNote
from bookai.errors import BookAIError, OperatorNeeded, TryLater
from studio.evidence.base import (
    LOOPBACK,
    Kind,
    Own,
    Place,
    PlaceConfig,
    Secret,
    Setting,
    check_newest,
)

T = TypeVar("T")

_LONGEST_NOTE = 4096
_STEP, _WIDER = 1000, 16
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

    @model_validator(mode="after")
    def _no_open_line(self) -> "S3Config":
        parts = urlsplit(f"//{self.endpoint}")
        if not parts.hostname or parts.port == 0:  # a ValueError where it is no number
            raise ValueError("endpoint is host or host:port")
        if not self.secure and parts.hostname not in LOOPBACK:
            raise ValueError("secure = false is for a store on 127.0.0.1")
        return self


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

    async def push(self, note: SignedNote, own: Own) -> None:
        """Put the note under its size; the same note again is no error."""
        newest = await self._in_thread(lambda store: self._newest(store, note.tree_size))
        if newest and await self._is_ours(newest, note, own):
            return
        taken = await self._in_thread(lambda store: self._put(store, note))
        if taken:
            # Written between our look and our put: it must be this very note.
            await self._is_ours(taken, note, own)

    async def _is_ours(self, there: tuple[str, str], note: SignedNote, own: Own) -> bool:
        key, text = there
        return await check_newest(text, note, f"{self._where}/{key}", own)

    async def fetch(self) -> str:
        """Return the notes of all objects, oldest first."""
        return await self._in_thread(self._fetch)

    def _put(self, store: Minio, note: SignedNote) -> tuple[str, str] | None:
        """Put the note; return key and text of what lies there already, if anything does."""
        bucket, key = self.config.bucket, self._key(note.tree_size)
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
            return key, self._get(store, key)
        return None

    def _newest(self, store: Minio, size: int) -> tuple[str, str] | None:
        """Return key and text of the last object: at or above `size`, else the one before it.

        A store lists forwards only, so the one before is looked for in wider and wider steps.
        """
        step, found = _STEP, self._last_after(store, size - 1)
        while found is None:
            found = self._last_after(store, size - step)
            if step > size:
                break
            step *= _WIDER
        return (found, self._get(store, found)) if found else None

    def _last_after(self, store: Minio, size: int) -> str | None:
        """Return the last key above `size`, if any."""
        found = store.list_objects(
            self.config.bucket,
            prefix=self.config.prefix,
            start_after=self._key(size) if size >= 0 else None,
        )
        names = (one.object_name for one in found if one.object_name)
        return max((name for name in names if name.endswith(".note")), default=None)

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
        try:
            store = self._open()
        except (OSError, ValueError) as error:
            raise self._unreachable(error) from error
        try:
            return await asyncio.to_thread(work, store)
        except S3Error as error:
            raise self._said(error) from error
        except urllib3.exceptions.LocationValueError as error:
            raise self._unreachable(error) from error
        except (MinioException, urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            # Only the kind: the library's own words may repeat signed headers.
            raise TryLater(f"{self._where} did not answer ({type(error).__name__}).") from error

    def _unreachable(self, error: Exception) -> OperatorNeeded:
        return OperatorNeeded(
            f"{self._where} cannot be reached like this ({type(error).__name__}).",
            mend="Correct endpoint and ca_file.",
        )

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
