"""What a finished video must keep; an operator may set other numbers in [plugins.check_video]."""

from collections.abc import Mapping
from typing import Any

from pydantic import Field, ValidationError

from bookai.errors import OperatorNeeded
from bookai.models import Record


class Limits(Record):
    """Lengths in seconds, sizes in pixels, loudness in LUFS, peaks in dBTP, shares from 0 to 1.

    A `width` or `height` of 0 takes each of the three formats. The peak's 0.1 dB over what is
    mastered for is what two meters may differ by.
    """

    width: int = Field(default=0, ge=0)
    height: int = Field(default=0, ge=0)
    shortest_s: float = Field(default=3.0, gt=0)
    longest_s: float = Field(default=180.0, gt=0)
    duration_slack_s: float = Field(default=0.5, gt=0)
    longest_black_s: float = Field(default=0.5, ge=0)
    longest_still_s: float = Field(default=4.0, ge=0)
    still_share: float = Field(default=0.5, ge=0, le=1)
    longest_silence_s: float = Field(default=2.5, ge=0)
    loudness_lufs: float = -14.0
    loudness_slack_lu: float = Field(default=1.0, gt=0)
    true_peak_dbtp: float = -0.9
    clipped_samples: int = Field(default=10, ge=0)
    av_start_s: float = Field(default=0.1, ge=0)
    sync_s: float = Field(default=0.15, ge=0)
    captions_share: float = Field(default=0.9, ge=0, le=1)
    av_length_s: float = Field(default=0.3, ge=0)
    caption_lines: int = Field(default=2, ge=1)
    strays: int = Field(default=0, ge=0)
    disclosure_share: float = Field(default=0.9, ge=0, le=1)


def read_limits(config: Mapping[str, Any]) -> Limits:
    """Return the operator's limits over our own.

    Raises:
        OperatorNeeded: a limit is unknown or out of range.
    """
    try:
        return Limits.model_validate(dict(config))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise OperatorNeeded(
            f"[plugins.check_video] {where}: {first['msg'].lower()}.",
            mend="Correct it in studio.toml.",
        ) from error
