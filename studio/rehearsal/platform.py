"""The only platform that a rehearsal knows: it speaks to a peer on loopback and to nobody else."""

import json
from typing import ClassVar
from urllib.parse import quote

from bookai.db.rehearsal import PLATFORM as NAME
from bookai.errors import NotYet, OperatorNeeded, Refused, ToolFailed, TryLater
from bookai.models import Post, Publication, Record, Report
from tools.base import ToolContext
from tools.net.addresses import read_allowed
from tools.net.api import Answer, Api, BrokeOff, NotReached
from tools.net.reach import Reach
from tools.platforms.base import Files, NotSent, Platform, Sent, Ticket, read_config

TIMEOUT_S = 10.0
AGAIN_S = 120.0


class Host(Record):
    """`[plugins.simulated]`: where the peer listens on loopback, and where its token lies."""

    address: str
    token_file: str


class Simulated(Platform):
    """Publishes nowhere. What is sent under a key is one post, however often it is sent."""

    name = NAME
    resend = "same_key_is_same_post"
    shows: ClassVar = {"ai_made": "text", "paid_promotion": "text"}
    sees: ClassVar = frozenset({"private", "public"})

    async def find(self, post: Post, ticket: Ticket, ctx: ToolContext) -> Sent | None:
        """Ask the peer; its search may be behind, and then a second send gets the first receipt."""
        answer = await _call(ctx, "GET", f"/posts/{ticket.key}", {"Title": quote(post.title)})
        if answer.status == 404:
            return None
        return _sent(_checked(answer))

    async def send(self, post: Post, files: Files, ticket: Ticket, ctx: ToolContext) -> Sent:
        """Send the film."""
        said = {"key": ticket.key, "account": post.account, "title": post.title}
        headers = {"Post": quote(json.dumps(said)), "Title": quote(post.title)}
        await ticket.hold(None)
        try:
            answer = await _call(ctx, "POST", "/posts", headers, files.video.read_bytes())
            if answer.status == 409:  # it was out already: its receipt is ours
                return _sent(answer)
            return _sent(_checked(answer))
        except BrokeOff:
            raise
        except (NotReached, TryLater, Refused, OperatorNeeded) as error:
            raise NotSent(error) from error

    async def report(self, publication: Publication, ctx: ToolContext) -> Report:
        """Read the simulated views."""
        answer = await _call(ctx, "GET", f"/views/{publication.external_id}", {})
        if answer.status == 404:
            raise ToolFailed(f"the simulated post {publication.external_id} is not there any more")
        return Report(views=int(_checked(answer).json()["views"]), note="simulated viewers")


async def _call(
    ctx: ToolContext, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> Answer:
    host = read_config(Host, ctx.config, NAME)
    if not host.address.startswith("127.0.0.1:"):
        raise Refused(f"{host.address!r} is not on loopback: a rehearsal speaks to nobody else.")
    api = Api(Reach((read_allowed(host.address),)), TIMEOUT_S)
    token = (ctx.work_dir.parent / host.token_file).read_text(encoding="ascii")
    headers = {"Authorization": f"Bearer {token}", "Content-Length": str(len(body)), **headers}
    return await api.call(method, f"http://{host.address}{path}", body=body, headers=headers)


def _checked(answer: Answer) -> Answer:
    """Return what is a yes; raise what the other answers mean."""
    match answer.status:
        case 401:
            raise OperatorNeeded(
                "the simulated platform's token has expired.", mend="Renew it, then resume the job."
            )
        case 403:
            raise Refused("the simulated platform's review did not accept this video")
        case 429:
            wait_s = answer.retry_after(AGAIN_S)
            raise NotYet(f"the simulated platform is busy for {wait_s:.0f} s", after_s=wait_s)
    if not answer.is_ok:
        raise TryLater(f"the simulated platform answered {answer.status}", after_s=AGAIN_S)
    return answer


def _sent(answer: Answer) -> Sent:
    number = str(answer.json()["id"])
    return Sent(external_id=number, url=f"https://simulated.invalid/{number}")


PLATFORM = Simulated()
