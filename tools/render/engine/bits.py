"""Bits of an H.264 stream: Exp-Golomb codes, NAL units, emulation prevention (ITU-T H.264)."""

import re
from collections.abc import Iterator

_IDR, _SLICES = 5, range(1, 6)  # kinds of NAL units
START = b"\0\0\0\1"
# Two zeros that a byte of 0 to 3 follows: a third zero begins the next pair.
_FORBIDDEN = re.compile(rb"\x00\x00(?=[\x00-\x03])")


class BitWriter:
    """Writes bits into one whole number, the first one highest."""

    def __init__(self) -> None:
        self._value = 0
        self._count = 0

    def put(self, value: int, count: int) -> None:
        """Write `count` bits of `value`."""
        self._value = (self._value << count) | value
        self._count += count

    def unsigned(self, value: int) -> None:
        """Write an unsigned Exp-Golomb code, ue(v)."""
        self.put(value + 1, 2 * (value + 1).bit_length() - 1)

    def signed(self, value: int) -> None:
        """Write a signed Exp-Golomb code, se(v)."""
        self.unsigned(2 * value - 1 if value > 0 else -2 * value)

    @property
    def value(self) -> tuple[int, int]:
        """What was written: a number and its count of bits."""
        return self._value, self._count

    def closed(self) -> bytes:
        """Return all bits with the trailing one and zeros, rbsp_trailing_bits."""
        self.put(1, 1)
        self.put(0, -self._count % 8)
        return self._value.to_bytes(self._count // 8, "big")


class BitReader:
    """Reads bits of a NAL unit's payload without emulation prevention bytes."""

    def __init__(self, payload: bytes) -> None:
        self._value = int.from_bytes(payload, "big")
        self._count = len(payload) * 8
        self.at = 0

    def get(self, count: int) -> int:
        """Read `count` bits."""
        self.at += count
        return (self._value >> (self._count - self.at)) & ((1 << count) - 1)

    @property
    def rest(self) -> tuple[int, int]:
        """What is not read yet, up to the last bit that is set, as a number and its bits."""
        value = self._value & ((1 << (self._count - self.at)) - 1)
        zeros = (value & -value).bit_length() - 1 if value else 0
        return value >> zeros, self._count - self.at - zeros

    def unsigned(self) -> int:
        """Read an unsigned Exp-Golomb code."""
        zeros = 0
        while not self.get(1):
            zeros += 1
            if zeros > 32:
                raise ValueError("no Exp-Golomb code")
        return (1 << zeros) - 1 + (self.get(zeros) if zeros else 0)

    def signed(self) -> int:
        """Read a signed Exp-Golomb code."""
        code = self.unsigned()
        return (code + 1) // 2 if code & 1 else -(code // 2)


def nal_units(stream: bytes) -> Iterator[bytes]:
    """Yield the NAL units of an Annex B stream, header byte first, without start codes."""
    at = stream.find(b"\0\0\1")
    while at >= 0:
        following = stream.find(b"\0\0\1", at + 3)
        if following < 0:
            yield stream[at + 3 :]
            return
        yield stream[at + 3 : following].rstrip(b"\0")
        at = following


def is_key(unit: bytes) -> bool:
    """Tell whether an access unit is a key picture; what comes before its slices is passed over."""
    for nal in nal_units(unit):
        if nal[0] & 31 in _SLICES:
            return nal[0] & 31 == _IDR
    return False


def protected(payload: bytes) -> bytes:
    """Return a payload with emulation prevention bytes: 3 between two zeros and a byte up to 3."""
    if b"\0\0" not in payload:
        return payload
    return _FORBIDDEN.sub(b"\0\0\3", payload)


def unprotected(payload: bytes) -> bytes:
    """Return a payload without its emulation prevention bytes."""
    return payload.replace(b"\0\0\3", b"\0\0")
