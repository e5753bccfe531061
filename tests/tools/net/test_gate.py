import asyncio
import datetime as dt
import socket
import ssl
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from bookai.errors import OperatorNeeded, Refused, TryLater
from tests.peers.web_server import MIB, Page, WebServer
from tools.net.gate import USER_AGENT, Gate
from tools.net.reach import Resolve


@pytest.fixture
async def web() -> AsyncIterator[WebServer]:
    async with WebServer() as server:
        yield server


@pytest.fixture
def gate() -> Gate:
    return Gate(allow_private=("127.0.0.1",))


def resolving(**names: Sequence[str]) -> Resolve:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return names[host.partition(".")[0]]

    return resolve


async def test_a_page_comes_back_with_its_type_and_last_url(web: WebServer, gate: Gate) -> None:
    fetched = await gate(web.url("/moved"), accept="text/plain")

    assert (fetched.url, fetched.content_type, fetched.body) == (
        web.url("/ok"),
        "text/plain",
        b"hello",
    )
    assert [one.path for one in web.seen] == ["/moved", "/ok"]
    assert web.seen[1].headers["user-agent"] == USER_AGENT
    assert web.seen[1].headers["accept"] == "text/plain"
    assert web.seen[1].headers["host"] == f"127.0.0.1:{web.port}"


async def test_no_cookie_is_sent_back(web: WebServer, gate: Gate) -> None:
    await gate(web.url("/moved"))
    await gate(web.url("/ok"))

    assert all("cookie" not in one.headers for one in web.seen)


async def test_an_endless_url_is_refused(web: WebServer, gate: Gate) -> None:
    with pytest.raises(Refused, match="has 5000 characters; the studio fetches URLs of at most"):
        await gate(web.url("/").ljust(5000, "a"))

    assert web.seen == []


async def test_loopback_is_refused_unless_allowed(web: WebServer) -> None:
    with pytest.raises(Refused, match=r"is a loopback address.*allow_private = \[\"127.0.0.1:"):
        await Gate()(web.url("/ok"))

    assert web.seen == []


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.5/x",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://[::1]/",
        "http://[::ffff:192.168.0.1]/",
        "http://[64:ff9b::a00:1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/",
    ],
)
async def test_a_private_address_is_refused_however_it_is_written(url: str) -> None:
    with pytest.raises(Refused, match="the studio does not fetch those"):
        await Gate()(url)


async def test_a_name_with_one_private_address_among_public_ones_is_refused() -> None:
    gate = Gate(resolve=resolving(news=("93.184.216.34", "10.0.0.5")))

    with pytest.raises(Refused, match=r"leads to 10\.0\.0\.5, a private address"):
        await gate("http://news.example/")


async def test_a_name_is_resolved_once_so_that_it_cannot_change_after_the_check(
    web: WebServer,
) -> None:
    asked: list[str] = []

    async def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ("127.0.0.1",) if len(asked) == 1 else ("10.0.0.5",)

    gate = Gate(allow_private=("127.0.0.0/8",), resolve=rebinding)

    await gate(f"http://news.example:{web.port}/ok")

    assert asked == ["news.example"]
    assert web.seen[0].headers["host"] == f"news.example:{web.port}"


@pytest.mark.parametrize("path", ["/to-private", "/to-metadata"])
async def test_a_redirect_to_a_private_address_is_refused(
    web: WebServer, gate: Gate, path: str
) -> None:
    with pytest.raises(Refused, match="address; the studio does not fetch those"):
        await gate(web.url(path))


async def test_a_redirect_to_another_scheme_is_refused(web: WebServer, gate: Gate) -> None:
    with pytest.raises(Refused, match="neither http nor https"):
        await gate(web.url("/to-file"))


async def test_credentials_are_refused_and_never_repeated(web: WebServer, gate: Gate) -> None:
    with pytest.raises(Refused, match="a password") as caught:
        await gate(web.url("/to-credentials"))

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "gopher://x", "javascript:alert(1)", "", "/x", "http://", "http:"]
)
async def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        await Gate()(url)


@pytest.mark.parametrize("url", ["http://x:99999/", "http://x\r\nHost: y/", "http://[::1/"])
async def test_a_malformed_url_is_refused_in_one_line(url: str) -> None:
    with pytest.raises(Refused) as caught:
        await Gate()(url)

    assert "\n" not in str(caught.value)


async def test_a_port_that_is_not_for_web_pages_is_refused() -> None:
    gate = Gate(resolve=resolving(news=("93.184.216.34",)))

    with pytest.raises(Refused, match="port 25"):
        await gate("http://news.example:25/")


@pytest.mark.parametrize("path", ["/404", "/gone", "/login", "/forbidden", "/teapot"])
async def test_a_page_that_is_not_there_for_us_is_refused_by_its_url(
    web: WebServer, gate: Gate, path: str
) -> None:
    with pytest.raises(Refused) as caught:
        await gate(web.url(path + "?key=secret"))

    assert web.url(path) in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("path", "after_s"), [("/500", 120), ("/busy", 7), ("/busy-until", 1), ("/busy-nonsense", 60)]
)
async def test_a_busy_server_says_when_to_ask_again(
    web: WebServer, gate: Gate, path: str, after_s: float
) -> None:
    with pytest.raises(TryLater) as caught:
        await gate(web.url(path))

    assert caught.value.after_s == after_s


async def test_a_redirect_loop_ends(web: WebServer, gate: Gate) -> None:
    with pytest.raises(Refused, match="redirects more than 5 times"):
        await gate(web.url("/loop"))

    assert len(web.seen) == 6


async def test_a_redirect_to_nowhere_is_refused(web: WebServer, gate: Gate) -> None:
    with pytest.raises(Refused, match="status 302 instead of a page"):
        await gate(web.url("/no-location"))


@pytest.mark.parametrize("path", ["/hang", "/drip"])
async def test_a_server_that_never_finishes_is_given_up_in_time(web: WebServer, path: str) -> None:
    gate = Gate(allow_private=("127.0.0.1",), timeout_s=0.3)

    with pytest.raises(TryLater, match=r"did not answer in full within 0\.3 s"):
        await gate(web.url(path))


@pytest.mark.parametrize("path", ["/broken-off", "/no-http", "/half-gzip"])
async def test_a_broken_answer_may_work_later(web: WebServer, gate: Gate, path: str) -> None:
    with pytest.raises(TryLater):
        await gate(web.url(path))


async def test_a_server_that_is_not_there_may_be_later(web: WebServer, gate: Gate) -> None:
    url = web.url("/ok")
    await web.__aexit__(None, None, None)

    with pytest.raises(TryLater, match="cannot be reached"):
        await gate(url)


@pytest.mark.parametrize("path", ["/told-huge", "/endless", "/bomb"])
async def test_a_body_over_the_limit_is_refused(web: WebServer, gate: Gate, path: str) -> None:
    with pytest.raises(Refused, match=r"too large.*5 MiB"):
        await gate(web.url(path))


@pytest.mark.parametrize("path", ["/not-gzip", "/brotli"])
async def test_a_body_that_cannot_be_unpacked_is_refused(
    web: WebServer, gate: Gate, path: str
) -> None:
    with pytest.raises(Refused, match="sent a body"):
        await gate(web.url(path))


async def test_a_packed_body_is_unpacked(web: WebServer, gate: Gate) -> None:
    assert (await gate(web.url("/gzip"))).body == b"unpacked"


async def test_a_body_of_just_the_limit_is_taken(web: WebServer) -> None:
    web.pages["/full"] = Page(b"x" * MIB)
    gate = Gate(allow_private=("127.0.0.1",), max_bytes=MIB)

    assert len((await gate(web.url("/full"))).body) == MIB


async def test_an_unknown_name_may_be_known_later() -> None:
    async def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    with pytest.raises(TryLater, match=r"nosuch\.invalid"):
        await Gate(resolve=unknown)("http://nosuch.invalid/")


@given(
    st.sampled_from(["http://", "https://", "HTTP:", "", "//", "http:/\\"])
    | st.text(alphabet="htps:/@", max_size=9),
    st.text(alphabet="a1.:/@#?%[]\\ \r\n\t\x00é。-_", max_size=30),
)
def test_no_text_leads_past_the_gate(scheme: str, rest: str) -> None:
    async def inside(host: str, port: int) -> Sequence[str]:
        return ("10.0.0.5",)

    with pytest.raises(Refused) as caught:
        asyncio.run(Gate(resolve=inside)(scheme + rest))

    assert "\n" not in str(caught.value)


def test_a_wrong_allowance_is_told_at_the_start() -> None:
    with pytest.raises(OperatorNeeded):
        Gate(allow_private=("http://nas.local/",))


def _certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's and a client's TLS context around a fresh certificate for `name`."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    both = folder / "both.pem"
    both.write_bytes(
        pem
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(both)
    return server, ssl.create_default_context(cadata=pem.decode())


async def test_the_certificate_is_checked_for_the_name_although_we_connect_by_address(
    tmp_path: Path,
) -> None:
    server, client = _certificate(tmp_path, "news.example")
    resolve = resolving(news=("127.0.0.1",), other=("127.0.0.1",))
    gate = Gate(allow_private=("127.0.0.1",), resolve=resolve, trust=client)

    async with WebServer(tls=server) as web:
        fetched = await gate(f"https://news.example:{web.port}/ok")
        with pytest.raises(Refused, match="no valid certificate"):
            await gate(f"https://other.example:{web.port}/ok")

    assert fetched.body == b"hello"
    assert [one.headers["host"] for one in web.seen] == [f"news.example:{web.port}"]
