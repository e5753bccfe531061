"""Personal data of events: committed to in the log, kept beside it, erasable on request.

The log says sha256(salt || text). With salt and text anyone can check it; once they are erased the
commitment says nothing about the text, and every proof of the log is as good as before.
"""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from bookai.db.audit.body import clean, scrub
from bookai.db.pool import Con, Pool
from bookai.errors import Refused

MAX_PERSONAL = 10_000
"""Characters of one personal text."""

_SALT_BYTES = 32
_MAX_SUBJECT = 200
_MAX_REASON = 1000

INSERT_PERSONAL = """
INSERT INTO audit_personal (event_id, field, subject, salt, value)
SELECT $1, field, $2, salt, value
  FROM unnest($3::text[], $4::bytea[], $5::text[]) AS p (field, salt, value)
"""
ERASE = "SELECT audit_erase($1, $2, $3)"


@dataclass(frozen=True, slots=True)
class Texts:
    """Personal texts of one event by field, each with a fresh salt."""

    subject: str
    salted: Mapping[str, tuple[bytes, str]]

    @property
    def commitments(self) -> dict[str, object]:
        """What stands in the body in place of the texts."""
        return {
            field: {"commitment": commitment(salt, text)}
            for field, (salt, text) in self.salted.items()
        }


def commitment(salt: bytes, text: str) -> str:
    """Return the hex digest that stands in the log for `text`."""
    return hashlib.sha256(salt + text.encode()).hexdigest()


def commit_to(
    personal: Mapping[str, str], subject: str | None, body: Mapping[str, object]
) -> Texts:
    """Salt each text.

    Raises:
        Refused: nobody is named whom the texts are about, a field is in the body too, or a text is
            too long.
    """
    about = clean(subject or "")
    if not 0 < len(about) <= _MAX_SUBJECT:
        raise Refused(
            f"personal data needs a subject of 1 to {_MAX_SUBJECT} characters, to erase it by; "
            f"this has {len(about)}"
        )
    twice = sorted(set(personal) & set(body))
    if twice:
        raise Refused(f"{twice[0]!r} is personal and cannot stand in the body as well")
    salted = {}
    for field, text in personal.items():
        if len(text) > MAX_PERSONAL:
            raise Refused(
                f"personal data may have {MAX_PERSONAL} characters, {field!r} has {len(text)}"
            )
        salted[field] = (secrets.token_bytes(_SALT_BYTES), clean(text))
    return Texts(about, salted)


async def keep_personal(con: Con, event_id: int, texts: Texts) -> None:
    """Keep the texts beside their event, in the caller's transaction."""
    fields = list(texts.salted)
    salts, values = zip(*texts.salted.values(), strict=True)
    await con.execute(INSERT_PERSONAL, event_id, texts.subject, fields, list(salts), list(values))


async def erase(pool: Pool | Con, subject: str, by: str, reason: str) -> int:
    """Erase every personal text about `subject`, with an event; return how many they were.

    That is what lies beside the log, and what he wrote when he decided and voted on approvals.
    The event `personal.erased` says who erased how much and why; `reason` must name nobody.

    Raises:
        Refused: nobody is named, or no reason is given.
    """
    about, who, why = clean(subject), clean(by)[:_MAX_SUBJECT], clean(reason).strip()
    if not (about and who and why):
        raise Refused("to erase personal data, say whose, by whom and why")
    erased: int = await pool.fetchval(ERASE, about, who, scrub(why[:_MAX_REASON]))
    return erased
