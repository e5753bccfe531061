"""Signed links to a job's files: whoever holds one may fetch that very file, for half an hour.

A chat's window has neither the session's cookie nor the bearer token, and neither belongs in an
address. So an address says itself what it is for, and our signature says that it is ours.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from bookai.errors import Refused
from bookai.models import VideoJob
from mcp_server.auth import Principal
from mcp_server.rooms import SignedLink
from studio.web.lent import Halt, Lent
from studio.web.media import KINDS, MEDIA_TYPES, Kind, Named, Shelf, rendered

FILES = "/m/"
NAMES: dict[Kind, str] = {
    "video": "video.mp4",
    "thumbnail": "thumbnail.jpg",
    "captions": "captions.vtt",
}
LIFE = timedelta(minutes=30)

_SAYS = b"bookai signed file\0"
_VERSION = 1
# Version, kind, whether a token stands behind it, job, end in Unix seconds, the file's SHA-256.
_FIXED = struct.Struct(">BB?QI32s")
_MAC_BYTES = 32
_MOST_CHARACTERS = 600
_AGAIN = "Ask the studio for a new one: get_job and list_approvals give it."


@dataclass(frozen=True, slots=True)
class Claim:
    """What a link is for. `by_token` is false for whoever sits at the studio's own machine."""

    job_id: int
    kind: Kind
    sha256: str
    principal: str
    by_token: bool
    until: datetime

    def encoded(self) -> bytes:
        """Return what the signature covers."""
        fixed = _FIXED.pack(
            _VERSION,
            KINDS.index(self.kind),
            self.by_token,
            self.job_id,
            int(self.until.timestamp()),
            bytes.fromhex(self.sha256),
        )
        return fixed + self.principal.encode()

    @classmethod
    def decoded(cls, data: bytes) -> "Claim":
        """Return the claim that a good signature stood on."""
        _version, kind, by_token, job_id, until, sha256 = _FIXED.unpack_from(data)
        return cls(
            job_id=job_id,
            kind=KINDS[kind],
            sha256=sha256.hex(),
            principal=data[_FIXED.size :].decode(),
            by_token=by_token,
            until=datetime.fromtimestamp(until, UTC),
        )


@dataclass(frozen=True, slots=True)
class Signing:
    """Makes and reads the links of one studio; `base_url` is where its pages are, without a slash.

    The key lies in the studio's home, so every process of it reads what another one signed.
    """

    key: Callable[[], bytes]
    base_url: str
    now: Callable[[], datetime]

    def link(self, named: Named, job_id: int, principal: str, *, by_token: bool) -> SignedLink:
        """Return the link to one file for one principal, good for half an hour."""
        until = self.ends_at()
        claim = Claim(job_id, named.kind, named.sha256, principal, by_token, until)
        data = claim.encoded()
        token = _text_of(self._mac(data) + data)
        url = f"{self.base_url}{FILES}{token}/{NAMES[named.kind]}"
        return SignedLink(url=url, expires_at=until)

    def ends_at(self) -> datetime:
        """Return when a link that is made now ends."""
        return (self.now() + LIFE).replace(microsecond=0)

    def read(self, token: str) -> Claim:
        """Return what a link is for.

        Raises:
            Halt: 403 where the signature is not ours, 410 where its time is over.
        """
        data = _bytes_of(token)
        mac, data = data[:_MAC_BYTES], data[_MAC_BYTES:]
        # The signature comes first: nothing that a stranger wrote is taken apart.
        if not hmac.compare_digest(mac, self._mac(data)):
            raise Halt(403, "Not a link of ours", "Its signature does not fit.", _AGAIN)
        claim = Claim.decoded(data)
        if claim.until <= self.now():
            raise Halt(410, "This link is over", "It was good for half an hour.", _AGAIN)
        return claim

    def _mac(self, data: bytes) -> bytes:
        return hmac.new(self.key(), _SAYS + data, hashlib.sha256).digest()


@dataclass(frozen=True, slots=True)
class JobSigner:
    """Signs links to what a job rendered: `mcp_server.rooms.Signer`."""

    signing: Signing
    load_job: Callable[[int], Awaitable[VideoJob]]
    by_token: bool

    async def __call__(self, job_id: int, kind: Kind, principal: Principal) -> SignedLink:
        """Return a link for this principal.

        Raises:
            Refused: the job has no such file yet.
        """
        named = rendered(await self.load_job(job_id), kind)
        return self.signing.link(named, job_id, principal.name, by_token=self.by_token)


class SignedFiles:
    """Answers for /m/TOKEN/NAME."""

    def __init__(self, lent: Lent, signing: Signing, shelf: Shelf) -> None:
        self._lent = lent
        self._signing = signing
        self._shelf = shelf

    async def send(self, request: Request) -> Response:
        """Answer GET /m/TOKEN/NAME: the file, whole or the range that was asked for.

        Raises:
            Halt: 403 forged or its holder's token is gone, 404 no such name, 410 over or changed.
        """
        claim = self._signing.read(request.path_params["token"])
        if request.path_params["name"] != NAMES[claim.kind]:
            raise Halt(404, "Nothing here", f"This link is to {NAMES[claim.kind]}.")
        holder = claim.principal.partition(":")[2]
        if claim.by_token and not await self._lent.has_live_token(holder):
            text = f"The token of {claim.principal} was revoked or has ended."
            raise Halt(403, "Not allowed any more", text, "bookai token create --help")
        try:
            job = await self._lent.load_job(claim.job_id)
            place = rendered(job, claim.kind).path
            path = await self._shelf.verified(
                claim.job_id, Named(place, claim.sha256, claim.kind), f"job {claim.job_id}"
            )
        except Refused as error:
            # Its own words may name folders of this machine.
            text = f"The {claim.kind} of job {claim.job_id} is gone, or is another one by now."
            raise Halt(410, "This link is over", text, _AGAIN) from error
        return FileResponse(
            path,
            media_type=MEDIA_TYPES[claim.kind],
            headers={
                "cache-control": "private, no-store",
                "content-disposition": "inline",
                "referrer-policy": "no-referrer",
                # A card stands in a frame of its own origin; the signature is what lets it in.
                "cross-origin-resource-policy": "cross-origin",
                "access-control-allow-origin": "*",
            },
        )


def _text_of(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _bytes_of(token: str) -> bytes:
    """Return what a token stands for.

    Raises:
        Halt: it stands for nothing, or is not the one way in which we would write it.
    """
    data = b""
    if len(token) <= _MOST_CHARACTERS and token.isascii():
        with suppress(binascii.Error):
            data = base64.b64decode(token + "=" * (-len(token) % 4), b"-_", validate=True)
    if len(data) <= _MAC_BYTES + _FIXED.size or _text_of(data) != token:
        raise Halt(403, "Not a link of ours", "It is cut short, or was never whole.", _AGAIN)
    return data
