"""A git remote: a file of notes a day, one commit a checkpoint, pushed without force.

The repository is bare and written with git's plumbing: no working tree and no index means that a
git that was killed leaves nothing locked. What the remote had when we looked last is remembered,
so a branch that was rewritten, shortened or removed there is an alarm.
"""

import asyncio
import base64
import os
import shlex
import signal
from asyncio.subprocess import PIPE
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from bookai.db.seal.exports import SignedNote
from bookai.db.seal.merkle import split_notes
from bookai.errors import BookAIError, OperatorNeeded, TryLater
from studio.evidence.base import (
    LOOPBACK,
    Divergence,
    Kind,
    Own,
    Place,
    PlaceConfig,
    Secret,
    Setting,
    check_newest,
)

SEEN = "refs/bookai/seen"
"""The remote's commit as we saw or made it last."""

_PASSED_ON = ("PATH", "HOME", "USER", "SSH_AUTH_SOCK", "XDG_CONFIG_HOME", "SSL_CERT_FILE")
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY")
_OURS = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
    "SSH_ASKPASS": "true",
    "GCM_INTERACTIVE": "never",
    "LC_ALL": "C",
    "GIT_AUTHOR_NAME": "BookAI Studio",
    "GIT_AUTHOR_EMAIL": "audit@bookai.invalid",
    "GIT_COMMITTER_NAME": "BookAI Studio",
    "GIT_COMMITTER_EMAIL": "audit@bookai.invalid",
}
_OPTIONS = {
    "protocol.ext.allow": "never",
    "http.followRedirects": "false",
    "core.hooksPath": os.devnull,
    "commit.gpgSign": "false",
    "gc.auto": "500",
    "gc.autoDetach": "false",
}
_LONGEST = 600
_REJECTED = ("non-fast-forward", "fetch first", "stale info")


class GitConfig(PlaceConfig):
    """The remote. `token` is for HTTPS with `user`; for SSH an agent or `ssh_key_file`."""

    url: str = Field(min_length=1, max_length=2000)
    branch: str = Field(default="main", pattern=r"^[A-Za-z0-9][A-Za-z0-9_./-]{0,99}$")
    user: str = Field(default="git", pattern=r"^[^:\s]{1,100}$")
    token: Secret | None = None
    ssh_key_file: Path | None = None

    @field_validator("url")
    @classmethod
    def _plain_url(cls, url: str) -> str:
        scheme, _, rest = url.rpartition("://")
        if url.startswith("-") or "::" in url:
            raise ValueError("write it as https://…, ssh://…, file://… or user@host:path")
        if scheme.startswith("http") and "@" in rest.partition("/")[0]:
            raise ValueError("keep the password out of the URL: set user and token")
        return url

    @model_validator(mode="after")
    def _no_open_line(self) -> "GitConfig":
        is_open = self.url.lower().startswith("http://")
        if self.token and is_open and urlsplit(self.url).hostname not in LOOPBACK:
            raise ValueError("a token goes over https:// alone, or to this machine")
        return self


@dataclass(frozen=True, slots=True)
class GitPlace(Place):
    """One branch of one remote, by way of a bare repository in `folder`."""

    config: GitConfig
    setting: Setting

    async def push(self, note: SignedNote, own: Own) -> None:
        """Append the note to the day's file on the branch."""
        head = await self._look()
        name = f"{note.at:%Y-%m-%d}.notes"
        last = await self._newest_at(head) if head else None
        if head and last and await check_newest(last, note, self._where, own):
            await self._remember(head)
            return
        entries = await self._entries(head) if head else {}
        text = await self._git("cat-file", "blob", entries[name]) if name in entries else ""
        text = f"{text}\n{note.note}" if text else note.note
        blob = await self._git("hash-object", "-w", "--stdin", stdin=text)
        kept = await self._git("ls-tree", "-z", head) if head else ""
        lines = [line for line in kept.split("\0") if line and line.partition("\t")[2] != name]
        lines.append(f"100644 blob {blob.strip()}\t{name}")
        tree = await self._git("mktree", "-z", stdin="".join(f"{line}\0" for line in lines))
        message = f"Checkpoint over {note.tree_size} events"
        parent = ("-p", head) if head else ()
        commit = await self._git("commit-tree", tree.strip(), *parent, "-m", message)
        commit = commit.strip()
        await self._git("push", "--porcelain", "origin", f"{commit}:{self._branch}")
        await self._remember(commit)
        with suppress(BookAIError):  # the notes are there; packing them better can wait
            await self._git("gc", "--auto", "--quiet")

    async def fetch(self) -> str:
        """Return the notes of all days."""
        head = await self._look()
        if head is None:
            return ""
        days = await self._entries(head)
        texts = [await self._git("cat-file", "blob", days[name]) for name in sorted(days)]
        await self._remember(head)
        return "\n".join(texts)

    async def _look(self) -> str | None:
        """Return the branch's commit at the remote, once it is known to continue what we saw."""
        await self._open()
        listed = await self._git("ls-remote", "--heads", "origin", self._branch)
        head = listed.split("\t")[0] or None
        seen = await self._seen()
        if seen and head is None:
            raise Divergence(
                f"{self._where} is gone, and it was there before.",
                mend=f"Find out who removed it. To begin anew on purpose, remove "
                f"{self.setting.folder}.",
            )
        if head is None or head == seen:
            return head
        await self._git("fetch", "--no-tags", "--quiet", "origin", self._branch)
        if seen:
            await self._check_continues(seen, head)
        return head

    async def _check_continues(self, seen: str, head: str) -> None:
        """Check that `head` descends from `seen` and still holds every note that was there."""
        kept = not (await self._git("rev-list", "--max-count=1", seen, f"^{head}")).strip()
        before, after = await self._entries(seen), await self._entries(head)
        for name, blob in before.items():
            if blob != after.get(name):
                old = await self._git("cat-file", "blob", blob)
                new = await self._git("cat-file", "blob", after[name]) if name in after else ""
                kept = kept and new.startswith(old)
        if not kept:
            raise Divergence(
                f"{self._where} was rewritten since our last push: it no longer holds the notes "
                "that we put there.",
                mend=f"Our own copy of them is in {self.setting.folder} ({SEEN}). Find out who "
                "did it; nothing was overwritten.",
            )

    async def _newest_at(self, commit: str) -> str | None:
        days = await self._entries(commit)
        if not days:
            return None
        notes = list(split_notes(await self._git("cat-file", "blob", days[max(days)])))
        return notes[-1] if notes else None

    async def _entries(self, commit: str) -> dict[str, str]:
        """Return the files of notes at a commit, by name, with their blobs."""
        listed = await self._git("ls-tree", "-z", commit)
        found = {}
        for line in filter(None, listed.split("\0")):
            about, _, name = line.partition("\t")
            if name.endswith(".notes"):
                found[name] = about.split()[2]
        return found

    async def _open(self) -> None:
        folder = self.setting.folder
        if not (folder / "HEAD").exists():
            await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True, mode=0o700)
            await self._git("init", "--bare", "--quiet", f"--initial-branch={self.config.branch}")
        await asyncio.to_thread(_remove_locks, folder)
        await self._git("config", "remote.origin.url", self.config.url)

    async def _seen(self) -> str | None:
        listed = await self._git("for-each-ref", "--format=%(objectname)", SEEN)
        return listed.strip() or None

    async def _remember(self, commit: str) -> None:
        await self._git("update-ref", SEEN, commit)

    @property
    def _branch(self) -> str:
        return f"refs/heads/{self.config.branch}"

    @property
    def _where(self) -> str:
        return f"branch {self.config.branch!r} of {self.config.url}"

    async def _git(self, *arguments: str, stdin: str = "") -> str:
        """Run git in its own process group, without a prompt; killed when we are cancelled."""
        try:
            process = await asyncio.create_subprocess_exec(
                "git",
                f"--git-dir={self.setting.folder}",
                *arguments,
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                env=self._environment(),
                start_new_session=True,
            )
        except FileNotFoundError as error:
            raise OperatorNeeded(
                "there is no git on this machine.", mend="Install git, or remove this copy."
            ) from error
        try:
            out, err = await process.communicate(stdin.encode())
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
        if process.returncode != 0:
            raise self._failed(arguments, out + err)
        return out.decode("utf-8", "replace")

    def _failed(self, arguments: Sequence[str], said: bytes) -> BookAIError:
        words = " ".join(said.decode("utf-8", "replace").split())[-_LONGEST:]
        if any(reason in words for reason in _REJECTED):
            return TryLater(f"{self._where} moved while we pushed; the next push continues it.")
        return TryLater(f"git {arguments[0]} to {self._where} failed: {words}", after_s=60.0)

    def _environment(self) -> dict[str, str]:
        passed = {name: os.environ[name] for name in _PASSED_ON + _PROXIES if name in os.environ}
        options = dict(_OPTIONS)
        if self.config.token:
            pair = f"{self.config.user}:{self.config.token.read()}".encode()
            header = f"Authorization: Basic {base64.b64encode(pair).decode()}"
            options[f"http.{self.config.url}.extraHeader"] = header
        key = self.config.ssh_key_file
        identity = f" -o IdentitiesOnly=yes -i {shlex.quote(str(key))}" if key else ""
        # Options by environment, not by argument: arguments can be read by every user's `ps`.
        named = {"GIT_CONFIG_COUNT": str(len(options))}
        for number, (name, value) in enumerate(options.items()):
            named |= {f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": value}
        ssh = f"ssh -o BatchMode=yes -o ConnectTimeout=10{identity}"
        return {**passed, **_OURS, "GIT_SSH_COMMAND": ssh, **named}


def _remove_locks(repository: Path) -> None:
    """Only one process pushes to a place at a time: a lock that lies here is a dead git's."""
    for lock in (*repository.glob("*.lock"), *repository.glob("refs/**/*.lock")):
        lock.unlink(missing_ok=True)


KIND = Kind("git", GitConfig, GitPlace)
