"""Leave out pictures that say only "as before": their bits prove what decoding would show.

Most pictures of our films are such: a P picture of nothing but skipped macroblocks, ten bytes long,
which a decoder copies whole at a millisecond each. What comes after them is renumbered in memory,
for a decoder counts its references. Streams of another kind are decoded picture by picture.
"""

from typing import TYPE_CHECKING, Any

from av.bitstream import BitStreamFilterContext
from av.packet import Packet
from av.video.stream import VideoStream

from tools.render.engine.bits import BitReader, nal_units, unprotected
from tools.render.engine.skips import IDR, P_SLICE, SLICE, Headers, renumbered

if TYPE_CHECKING:  # generic for the type checker only
    AnyPacket = Packet[Any]

LONGEST = 40  # bytes of a picture that may be one
_P_SLICES = (0, P_SLICE)


class Repeats:
    """Looks at the packets of one H.264 stream, in their order."""

    def __init__(self, stream: VideoStream) -> None:
        self._annex_b = BitStreamFilterContext("h264_mp4toannexb", stream)
        self._headers: Headers | None = None
        self._left_out = 0
        self._follows = False

    def __call__(self, packet: "AnyPacket") -> "AnyPacket | None":
        """Return the packet to decode instead, or None where the last picture is shown again.

        Raises:
            FFmpegError: its parts do not add up.
        """
        (whole,) = self._annex_b.filter(packet)
        unit = bytes(whole)
        slices = [nal for nal in nal_units(unit) if nal[0] & 31 in (SLICE, IDR)]
        if any(nal[0] & 31 == IDR for nal in slices):
            self._headers, self._left_out = _headers(unit), 0
        if self._headers is None:
            return whole
        try:
            if self._follows and len(slices) == 1 and _only_repeats(slices[0], self._headers):
                self._left_out += 1
                return None
            changed = Packet(renumbered(unit, self._headers, -self._left_out))
        except ValueError:
            return whole  # damaged: the decoder says so
        self._follows = all(nal[0] >> 5 & 3 for nal in slices)
        changed.pts, changed.dts, changed.time_base = whole.pts, whole.dts, whole.time_base
        return changed


def _headers(unit: bytes) -> Headers | None:
    """Return the headers of a stream from which pictures can be left out, else None."""
    try:
        return Headers.read(unit)
    except ValueError:
        return None


def _only_repeats(nal: bytes, headers: Headers) -> bool:
    """Return whether a slice is a whole reference picture of skipped macroblocks, and no more.

    Skipped from the first on, none has a neighbour that moves, so none moves; and where nothing is
    coded and nothing moves, no edge is smoothed either.
    """
    if len(nal) > LONGEST or nal[0] & 31 != SLICE or not nal[0] >> 5 & 3:
        return False
    reader = BitReader(unprotected(nal[1:]))
    if reader.unsigned() != 0 or reader.unsigned() not in _P_SLICES or reader.unsigned() != 0:
        return False
    reader.get(headers.frame_num_bits)
    # The default references in their default order, and the oldest one goes.
    if reader.get(1) or reader.get(1) or reader.get(1):
        return False
    reader.signed()
    if headers.deblocking and reader.unsigned() != 1:
        reader.signed()
        reader.signed()
    return reader.unsigned() == headers.columns * headers.rows
