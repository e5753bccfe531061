"""Pictures that cost nothing: a P picture that only says "as before", written by ourselves.

Most frames of a film of type and cards equal the frame before. x264 spends 4 to 5 ms on each of
them; a P picture of nothing but skipped macroblocks is ten bytes. It is a reference picture, so
that any number of them may follow one another (picture order type 2 allows no two non-reference
pictures in a row), and the pictures that x264 codes after it are renumbered: `frame_num` is a
field of fixed length. Between two positions of an even pan a non-reference picture of motion
vectors alone shows the step in the middle.

Sources: ITU-T H.264 7.3.2.1 (sequence), 7.3.2.2 (picture), 7.3.3 (slice header), 7.3.4 (slice
data), 8.2.1.3 (picture order type 2), 8.4.1.1 (vectors of skipped macroblocks).
"""

from dataclasses import dataclass
from functools import lru_cache

from tools.render.engine.bits import START, BitReader, BitWriter, nal_units, protected, unprotected

HIGH_PROFILES = frozenset({100, 110, 122, 244})
IDR, SLICE, SEQUENCE, PICTURE = 5, 1, 7, 8
P_SLICE = 5  # "all slices of this picture are P"

Hole = tuple[int, int, int, int]  # in macroblocks: left, top, right, bottom (exclusive)


class Unsupported(ValueError):
    """The stream is of a kind that we do not write pictures for."""


@dataclass(frozen=True, slots=True)
class Headers:
    """What a slice header depends on."""

    frame_num_bits: int
    columns: int
    rows: int
    deblocking: bool

    @classmethod
    def read(cls, stream: bytes) -> "Headers":
        """Read the sequence and picture headers of an Annex B stream.

        Raises:
            Unsupported: it is not what `OPTIONS` of the coder make: frames of one reference,
                picture order type 2, CAVLC, no weighted prediction.
        """
        bits = columns = rows = 0
        deblocking = False
        found = set()
        for unit in nal_units(stream):
            kind = unit[0] & 31
            reader = BitReader(unprotected(unit[1:64]))
            if kind == SEQUENCE:
                bits, columns, rows = _sequence(reader)
            elif kind == PICTURE:
                deblocking = _picture(reader)
            found.add(kind)
        if not {SEQUENCE, PICTURE} <= found:
            raise Unsupported("the stream has no headers")
        return cls(bits, columns, rows, deblocking)


def _sequence(reader: BitReader) -> tuple[int, int, int]:
    profile = reader.get(8)
    reader.get(16)
    reader.unsigned()
    if profile in HIGH_PROFILES:
        if reader.unsigned() != 1:
            raise Unsupported("chroma is not 4:2:0")
        reader.unsigned()
        reader.unsigned()
        reader.get(1)
        if reader.get(1):
            raise Unsupported("scaling lists")
    bits = reader.unsigned() + 4
    if reader.unsigned() != 2:
        raise Unsupported("picture order type is not 2")
    if reader.unsigned() != 1:
        raise Unsupported("more than one reference picture")
    reader.get(1)
    columns, rows = reader.unsigned() + 1, reader.unsigned() + 1
    if not reader.get(1):
        raise Unsupported("interlaced")
    return bits, columns, rows


def _picture(reader: BitReader) -> bool:
    """Return whether slices say how they are deblocked."""
    reader.unsigned()
    reader.unsigned()
    if reader.get(1):
        raise Unsupported("CABAC")
    reader.get(1)
    if reader.unsigned() != 0:
        raise Unsupported("slice groups")
    if reader.unsigned() != 0:
        raise Unsupported("more than one reference index")
    reader.unsigned()
    if reader.get(1):
        raise Unsupported("weighted prediction")
    reader.get(2)
    reader.signed()
    reader.signed()
    reader.signed()
    return bool(reader.get(1))


def skip_picture(headers: Headers, frame_num: int) -> bytes:
    """Return an access unit that shows the picture before once more; a reference itself."""
    writer = _begun(headers, frame_num, reference=True)
    writer.unsigned(headers.columns * headers.rows)
    return START + bytes([0x21 | 0x40]) + protected(writer.closed())


def motion_picture(
    headers: Headers, frame_num: int, vector: tuple[int, int], moving: Hole
) -> bytes:
    """Return an access unit that shows the reference with `moving` shifted; not a reference.

    `vector` is where each moving macroblock takes its picture from, in quarter pixels, relative to
    itself; all outside of `moving` stays.
    """
    writer = _begun(headers, frame_num, reference=False)
    value, count = _moved(headers.columns, headers.rows, vector, moving)
    writer.put(value, count)
    return START + b"\x01" + protected(writer.closed())


def _begun(headers: Headers, frame_num: int, *, reference: bool) -> BitWriter:
    """Return a P slice's header, written up to the slice data."""
    writer = BitWriter()
    writer.unsigned(0)
    writer.unsigned(P_SLICE)
    writer.unsigned(0)
    writer.put(frame_num % (1 << headers.frame_num_bits), headers.frame_num_bits)
    writer.put(0, 2)  # the default number of references, in their default order
    if reference:
        writer.put(0, 1)  # sliding window
    writer.signed(0)
    if headers.deblocking:
        writer.unsigned(1)
    return writer


@lru_cache(maxsize=64)
def _moved(columns: int, rows: int, vector: tuple[int, int], moving: Hole) -> tuple[int, int]:
    """Return the slice data, as a number and its count of bits."""
    writer = BitWriter()
    run = 0
    left, top, right, bottom = moving
    inside = [top <= y < bottom for y in range(rows)]

    def at(x: int, y: int) -> tuple[int, int] | None:
        if x < 0 or y < 0 or x >= columns:
            return None
        return vector if inside[y] and left <= x < right else (0, 0)

    for y in range(rows):
        for x in range(columns):
            beside, above = at(x - 1, y), at(x, y - 1)
            own = at(x, y)
            corner = at(x + 1, y - 1) or at(x - 1, y - 1)
            guess = _predicted(beside, above, corner)
            still = beside is None or above is None or (0, 0) in (beside, above)
            if own == ((0, 0) if still else guess):
                run += 1
                continue
            assert own is not None
            writer.unsigned(run)
            run = 0
            writer.unsigned(0)  # one 16x16 block
            writer.signed(own[0] - guess[0])
            writer.signed(own[1] - guess[1])
            writer.unsigned(0)  # no residual
    if run:
        writer.unsigned(run)
    return writer.value


def _predicted(
    beside: tuple[int, int] | None, above: tuple[int, int] | None, corner: tuple[int, int] | None
) -> tuple[int, int]:
    """Return the predicted vector of a 16x16 block (8.4.1.3)."""
    if above is None and corner is None and beside is not None:
        return beside
    known = [vector for vector in (beside, above, corner) if vector is not None]
    if len(known) == 1:
        return known[0]
    a, b, c = (vector or (0, 0) for vector in (beside, above, corner))
    return sorted((a[0], b[0], c[0]))[1], sorted((a[1], b[1], c[1]))[1]


def renumbered(unit: bytes, headers: Headers, by: int) -> bytes:
    """Return an access unit of x264 with the `frame_num` of its P slices raised by `by`."""
    if not by:
        return unit
    out = bytearray()
    for nal in nal_units(unit):
        out += START + (_raised(nal, headers, by) if nal[0] & 31 == SLICE else nal)
    return bytes(out)


def _raised(nal: bytes, headers: Headers, by: int) -> bytes:
    # The number lies in the first bytes; the rest is only touched where protection changes.
    payload = unprotected(nal[1:])
    head = BitReader(payload[:16])
    for _ in range(3):
        head.unsigned()
    size = headers.frame_num_bits
    start = head.at
    number = (head.get(size) + by) % (1 << size)
    whole = int.from_bytes(payload[:16], "big")
    count = 8 * len(payload[:16])
    shift = count - start - size
    whole = whole & ~(((1 << size) - 1) << shift) | (number << shift)
    return nal[:1] + protected(whole.to_bytes(count // 8, "big") + payload[16:])
