"""The desk's part about channels: what each is, changing one, what its account may publish."""

from dataclasses import dataclass
from pathlib import Path

from bookai.channels.phrases import banned_in
from bookai.db import audit, jobs, outbox
from bookai.errors import Refused
from bookai.models import Post, PostEdit, VideoJob
from studio.channels.changing import Wanted, change_channel
from studio.channels.standing import check_post, check_standing
from studio.channels.values import Values, check_over_mcp, from_pairs, from_toml
from studio.sending import Gate
from studio.steer.desk import SteeringDesk
from tools.base import Armed, PauseRow
from tools.lists.channels import ChannelChange, ChannelDetail, ChannelRow, row_of, told_passport


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelDesk(SteeringDesk):
    """Channels as the operator's file has them now; `home` is the folder that it is in."""

    home: str

    async def list_channels(self) -> tuple[ChannelRow, ...]:
        """Return every channel, by name."""
        pauses = await self.list_pauses()
        found = self.channels.kept().channels
        return tuple(row_of(name, found[name], _pause(name, pauses)) for name in sorted(found))

    async def get_channel(self, name: str) -> ChannelDetail:
        """Return one channel with all of its passport.

        Raises:
            Refused: there is no such channel.
        """
        self.check_channel(name)
        found = self.channels.kept().channel(name)
        row = row_of(name, found, _pause(name, await self.list_pauses()))
        return ChannelDetail(channel=row, passport=told_passport(found))

    async def set_channel(
        self, channel: str, changes: str, clear: str, by: str, *, add: bool = False
    ) -> ChannelChange:
        """Change a channel's passport by lines of TOML, as far as an MCP client may.

        Raises:
            Refused: a key is none or not for clients, a value is wrong, the channel is unknown.
            OperatorNeeded: the file is wrong as it stands, or cannot be written.
        """
        values = {**from_toml(changes), **from_pairs([f"{key}=" for key in clear.split()])}
        check_over_mcp(values)
        return await self.change_channel(channel, values, by, add=add, via="mcp")

    async def change_channel(
        self, channel: str, values: Values, by: str, *, add: bool = False, via: str = "cli"
    ) -> ChannelChange:
        """Change a channel's passport in the file, or add a channel.

        Raises:
            Refused: there is no such channel, or one already, or a value is wrong.
            OperatorNeeded: the file is wrong as it stands, or cannot be written.
        """
        toml = Path(self.home) / "studio.toml"
        done = await change_channel(self.pool, toml, Wanted(channel, values, add, by, via))
        return ChannelChange(
            channel=channel,
            added=add,
            changed=done.changed,
            passport=told_passport(done.passport),
        )

    async def brand_voice_of(self, job_id: int) -> str:
        """Return in which version of its channel's voice a job's script was written."""
        job = await jobs.load(self.pool, job_id)
        return told_voice(job)

    async def check_edit(self, approval_id: int, edit: PostEdit) -> None:
        """Return when a changed post says nothing that its channel never says.

        Raises:
            Refused: it would.
        """
        row = await self.get_approval(approval_id)
        phrases = self.channels.channel(row.channel).banned_phrases
        for text in (edit.title or "", edit.caption or "", " ".join(edit.hashtags or ())):
            phrase = banned_in(text, phrases)
            if phrase is not None:
                raise Refused(f"{phrase!r} is banned on {row.channel!r}: nothing was decided.")

    def check_makes(self, channel: str) -> None:
        """Return when there is such a channel, and what is made for it could be published.

        Raises:
            Refused: there is none, or its account may do nothing that its platform can.
        """
        self.check_channel(channel)
        check_standing(channel, self.channels.kept().channel(channel))

    async def arm_post(self, job_id: int, post: Post) -> Armed:
        """Claim the one post of this job and target; a new send only as the passport now allows.

        Raises:
            NotYet: nobody knows what the passport says: the file is gone or broken.
            Refused: the account may publish privately only, and this post is for others.
        """
        armed = await SteeringDesk.arm_post(self, job_id, post)
        if armed.publication is None and armed.state != "unknown":
            channel = (await jobs.get(self.pool, job_id)).channel
            check_post(channel, self.channels.channel, post)
        return armed

    async def mark_sending(self, post_id: int, attempt: int, owner: str) -> None:
        """Note that the next step has an outside effect, unless the gate keeps the post back.

        Raises:
            NotYet: a cap of today is reached, the yes by rule was taken back, or nobody knows what
                the passport says. Why, and until when, is written down.
            Refused, TryLater: as `bookai.db.outbox.mark_sending` says.
        """
        gate = Gate(
            settings=self.channels.now,
            rules_of=self.rules_of,
            approval_ttl=self.approval_ttl,
            now=self.now,
        )
        async with audit.transaction(self.pool) as con:
            held = await gate.ask(con, await outbox.get(con, post_id), attempt)
            if held is None:
                await outbox.mark_sending(con, post_id, attempt, owner)
        if held is not None:
            raise held


def told_voice(job: VideoJob) -> str:
    """Return in which version of its channel's voice a script was written, and whether heeded."""
    version = job.script.brand_voice if job.script else None
    if version is None:
        return "not recorded"
    ignored = next((one.why for one in job.fallbacks if one.what == "brand voice"), "")
    return f"version {version}" + (f", not heeded: {ignored}" if ignored else "")


def _pause(name: str, pauses: tuple[PauseRow, ...]) -> PauseRow | None:
    return next((one for one in pauses if one.channel in (None, name)), None)
