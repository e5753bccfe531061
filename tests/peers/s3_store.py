"""A small S3 store: checks signatures and content hashes, keeps object locks, never overwrites.

It is written from the published rules of Signature Version 4, not from the client library, so
that a request which it accepts is one that a real store would read as well.
"""

import base64
import hashlib
import hmac
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, quote, unquote, urlsplit
from xml.sax.saxutils import escape

MAX_SKEW = timedelta(minutes=15)
REGION = "us-east-1"


@dataclass
class Kept:
    data: bytes
    retain_until: datetime | None


@dataclass
class Store:
    """What is in the bucket, what was refused, and the address."""

    bucket: str = "evidence"
    access_key: str = "studio"
    secret_key: str = "correct horse battery"
    has_lock: bool = True
    has_tls: bool = False
    objects: dict[str, Kept] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)
    endpoint: str = ""


class Denied(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


def canonical(method: str, url: str, headers: dict[str, str], signed: str, digest: str) -> str:
    parts = urlsplit(url)
    pairs = sorted(
        (quote(name, safe="-_.~"), quote(value, safe="-_.~"))
        for name, value in parse_qsl(parts.query, keep_blank_values=True)
    )
    query = "&".join(f"{name}={value}" for name, value in pairs)
    lines = "".join(f"{name}:{' '.join(headers[name].split())}\n" for name in signed.split(";"))
    path = quote(unquote(parts.path), safe="/-_.~")
    return "\n".join((method, path, query, lines, signed, digest))


def check_signature(
    store: Store, method: str, url: str, headers: dict[str, str], body: bytes
) -> None:
    scheme, _, rest = headers.get("authorization", "").partition(" ")
    fields = dict(item.strip().split("=", 1) for item in rest.split(",") if "=" in item)
    if scheme != "AWS4-HMAC-SHA256" or len(fields) != 3:
        raise Denied(403, "AccessDenied")
    key_id, date, region, service, end = fields["Credential"].split("/")
    if key_id != store.access_key:
        raise Denied(403, "InvalidAccessKeyId")
    signed = fields["SignedHeaders"]
    stamp = headers["x-amz-date"]
    at = datetime.strptime(stamp, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if abs(datetime.now(UTC) - at) > MAX_SKEW:
        raise Denied(403, "RequestTimeTooSkewed")
    unsigned = [n for n in headers if n.startswith("x-amz-") and n not in signed.split(";")]
    if (
        unsigned
        or "host" not in signed.split(";")
        or (region, service, end)
        != (
            REGION,
            "s3",
            "aws4_request",
        )
    ):
        raise Denied(403, "AccessDenied")
    digest = headers["x-amz-content-sha256"]
    # Over TLS a client may leave the body's hash out of the signature, and then sends its MD5.
    if digest == "UNSIGNED-PAYLOAD" and store.has_tls:
        md5 = base64.b64encode(hashlib.md5(body, usedforsecurity=False).digest()).decode()
        if body and headers.get("content-md5") != md5:
            raise Denied(400, "BadDigest")
    elif digest != hashlib.sha256(body).hexdigest():
        raise Denied(400, "XAmzContentSHA256Mismatch")
    request = canonical(method, url, headers, signed, digest)
    scope = f"{date}/{region}/{service}/{end}"
    text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = f"AWS4{store.secret_key}".encode()
    for part in (date, region, service, end, text):
        key = hmac.new(key, part.encode(), "sha256").digest()
    if not hmac.compare_digest(key.hex(), fields["Signature"]):
        raise Denied(403, "SignatureDoesNotMatch")


def put(store: Store, key: str, headers: dict[str, str], body: bytes) -> None:
    until = None
    if "x-amz-object-lock-mode" in headers:
        if not store.has_lock:
            raise Denied(400, "InvalidRequest")
        if headers["x-amz-object-lock-mode"] not in ("COMPLIANCE", "GOVERNANCE"):
            raise Denied(400, "InvalidArgument")
        until = datetime.fromisoformat(headers["x-amz-object-lock-retain-until-date"])
        if until <= datetime.now(UTC):
            raise Denied(400, "InvalidArgument")
    if key in store.objects:
        kept = store.objects[key]
        if headers.get("if-none-match") == "*":
            raise Denied(412, "PreconditionFailed")
        if kept.retain_until and kept.retain_until > datetime.now(UTC):
            raise Denied(403, "ObjectLocked")
    store.objects[key] = Kept(body, until)


def listing(store: Store, query: dict[str, str]) -> str:
    after, prefix = query.get("start-after", ""), query.get("prefix", "")
    keys = sorted(key for key in store.objects if key.startswith(prefix) and key > after)
    rows = "".join(
        f"<Contents><Key>{escape(key)}</Key><Size>{len(store.objects[key].data)}</Size>"
        f"<LastModified>2026-11-25T12:00:00.000Z</LastModified><ETag>&quot;x&quot;</ETag></Contents>"
        for key in keys
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
        f"<Name>{store.bucket}</Name><IsTruncated>false</IsTruncated>{rows}</ListBucketResult>"
    )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    store: Store

    def log_message(self, *_: object) -> None:
        pass

    def answer(self, status: int, body: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name.lower(): value for name, value in self.headers.items()}
        try:
            check_signature(self.store, self.command, self.path, headers, body)
            found, kind = self.act(headers, body)
        except Denied as denied:
            self.store.refused.append(denied.code)
            text = f"<Error><Code>{denied.code}</Code><Message>no</Message></Error>"
            self.answer(denied.status, text.encode(), "application/xml")
        else:
            self.answer(200, found, kind)

    def act(self, headers: dict[str, str], body: bytes) -> tuple[bytes, str]:
        parts = urlsplit(self.path)
        bucket, _, key = unquote(parts.path).lstrip("/").partition("/")
        if bucket != self.store.bucket:
            raise Denied(404, "NoSuchBucket")
        if self.command == "PUT":
            put(self.store, key, headers, body)
            return b"", "text/plain"
        if not key:
            return listing(self.store, dict(parse_qsl(parts.query))).encode(), "application/xml"
        if key not in self.store.objects:
            raise Denied(404, "NoSuchKey")
        return self.store.objects[key].data, "text/plain"

    do_GET = do_PUT = serve


@contextmanager
def s3_store(tls: ssl.SSLContext | None = None) -> Iterator[Store]:
    store = Store(has_tls=tls is not None)
    bound = type("BoundHandler", (Handler,), {"store": store})
    server = ThreadingHTTPServer(("127.0.0.1", 0), bound)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    store.endpoint = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield store
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
