"""What an approval card in a chat shows: the same as the card of the pages, with signed links."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bookai.db import jobs
from bookai.errors import Refused
from bookai.models import VideoJob
from mcp_server.auth import Principal
from mcp_server.cards import Cards, CardSheet, LineSheet, LinkSheet, SourceSheet, SupportSheet
from studio.desk import StudioDesk
from studio.web.card import Said, card_of
from studio.web.media import Kind, Shelf, asked
from studio.web.signed import JobSigner, Signing
from tools.base import ApprovalRow


@dataclass(frozen=True, slots=True, kw_only=True)
class StudioDeck:
    """Makes the cards: `mcp_server.cards.Deck`. `by_token` is as for `JobSigner`."""

    desk: StudioDesk
    load_job: Callable[[int], Awaitable[VideoJob]]
    shelf: Shelf
    signing: Signing
    by_token: bool

    async def __call__(self, principal: Principal, numbers: Sequence[int]) -> tuple[CardSheet, ...]:
        """Return the cards of these approvals; one that is not there is left out."""
        cards = []
        for number in numbers:
            with suppress(Refused):
                cards.append(await self._card(principal, number))
        return tuple(cards)

    async def _card(self, principal: Principal, number: int) -> CardSheet:
        row = await self.desk.get_approval(number)
        job = await self.load_job(row.job_id)
        problem = await self.shelf.problem(row, job)
        card = card_of(row, job, "", problem)
        article = job.article
        return CardSheet(
            approval_id=row.approval_id,
            job_id=row.job_id,
            state=row.state,
            channel=row.channel,
            digest=row.digest,
            expires_at=row.expires_at,
            requested_by=job.requested_by,
            decided_by=row.decided_by,
            note=row.note,
            needed=row.needed,
            votes=row.votes,
            edits=row.edits,
            post=row.post,
            lines=tuple(_line(said) for said in card.said),
            source=SourceSheet(title=article.title, url=article.url, fetched_at=article.fetched_at)
            if article
            else None,
            findings=job.check.findings if job.check else (),
            fallbacks=job.fallbacks,
            links=None if problem else self._links(row, job, principal),
            # The shelf's own words may name folders of this machine.
            problem=f"What approval {number} names cannot be shown: a file is gone or has changed. "
            "Reject it, and make the video again."
            if problem
            else "",
            may_decide=principal.may("approve"),
            has_voted=card.has_voted(principal.name),
        )

    def _links(self, row: ApprovalRow, job: VideoJob, principal: Principal) -> LinkSheet:
        """Return links to the very bytes that the approval names."""

        def link(kind: Kind) -> str:
            named = asked(row, job, kind)
            signed = self.signing.link(named, row.job_id, principal.name, by_token=self.by_token)
            return signed.url

        return LinkSheet(
            video=link("video"),
            thumbnail=link("thumbnail"),
            captions=link("captions"),
            expires_at=self.signing.ends_at(),
        )


def cards_of(desk: StudioDesk, work_dir: Path, signing: Signing, *, by_token: bool) -> Cards:
    """Build what shows approvals in a chat: the cards, and the links to their files."""

    async def load_job(job_id: int) -> VideoJob:
        return await jobs.load(desk.pool, job_id)

    deck = StudioDeck(
        desk=desk,
        load_job=load_job,
        shelf=Shelf(work_dir),
        signing=signing,
        by_token=by_token,
    )
    return Cards(deck, JobSigner(signing, load_job, by_token), signing.base_url)


def _line(said: Said) -> LineSheet:
    support = said.support
    return LineSheet(
        text=said.text,
        kind=said.kind,
        at_s=said.at_s,
        is_verbatim=said.is_verbatim,
        support=SupportSheet(text=support.text, before=support.before, after=support.after)
        if support
        else None,
    )
