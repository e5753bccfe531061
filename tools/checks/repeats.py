"""Leave out pictures that say only "as before": their bits prove what decoding would show.

Most pictures of our films are such: a P picture of nothing but skipped macroblocks, ten bytes long,
which a decoder copies whole at a millisecond each. What comes after them is renumbered in memory,
for a decoder counts its references. A picture to which no other refers, and which moves blocks of
the one before and codes nothing, is left out as well once its bits were read to the end: it shows
nothing that the picture before did not show. Streams of another kind are decoded picture by
picture.
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
LONGEST_MOVE = 4000  # bytes of one that only moves parts
MOST_MOVES = 64
_P_SLICES = (0, P_SLICE)


class Repeats:
    """Looks at the packets of one H.264 stream, in their order."""

    def __init__(self, stream: VideoStream) -> None:
        self._annex_b = BitStreamFilterContext("h264_mp4toannexb", stream)
        self._headers: Headers | None = None
        self._left_out = 0
        self._follows = False
        self._moves: dict[tuple[int, int], bool] = {}

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
            if len(slices) == 1 and self._only_moves(slices[0], self._headers):
                self._follows = False
                return None
            changed = Packet(renumbered(unit, self._headers, -self._left_out))
        except ValueError:
            return whole  # damaged: the decoder says so
        self._follows = all(nal[0] >> 5 & 3 for nal in slices)
        changed.pts, changed.dts, changed.time_base = whole.pts, whole.dts, whole.time_base
        return changed

    def _only_moves(self, nal: bytes, headers: Headers) -> bool:
        """Return whether a slice is a whole picture that only moves parts of the one before."""
        if len(nal) > LONGEST_MOVE or nal[0] & 31 != SLICE or nal[0] >> 5 & 3:
            return False
        reader = BitReader(unprotected(nal[1:]))
        if not _begins_plainly(reader, headers, is_reference=False):
            return False
        rest = reader.rest
        if rest not in self._moves:
            if len(self._moves) > MOST_MOVES:
                self._moves.clear()
            self._moves[rest] = _moves_all(reader, headers.columns * headers.rows)
        return self._moves[rest]


def _moves_all(reader: BitReader, blocks: int) -> bool:
    """Read slice data to its end: skipped blocks, and 16x16 blocks of a vector and nothing else."""
    done = 0
    while True:
        done += reader.unsigned()
        if done >= blocks:
            return done == blocks and reader.rest == (1, 1)
        if reader.unsigned() != 0:
            return False
        reader.signed()
        reader.signed()
        if reader.unsigned() != 0:
            return False
        done += 1
        if done == blocks:
            return reader.rest == (1, 1)


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
    plain = _begins_plainly(reader, headers, is_reference=True)
    return plain and reader.unsigned() == headers.columns * headers.rows


def _begins_plainly(reader: BitReader, headers: Headers, *, is_reference: bool) -> bool:
    """Read a slice's header; tell whether it is a P slice from the first block on, as usual."""
    if reader.unsigned() != 0 or reader.unsigned() not in _P_SLICES or reader.unsigned() != 0:
        return False
    reader.get(headers.frame_num_bits)
    # The default references in their default order, and the oldest one goes.
    if reader.get(1) or reader.get(1) or (is_reference and reader.get(1)):
        return False
    reader.signed()
    if headers.deblocking and reader.unsigned() != 1:
        if not is_reference:
            return False  # where blocks move, edges would be smoothed
        reader.signed()
        reader.signed()
    return True
