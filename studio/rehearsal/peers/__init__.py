"""The world outside, as far as a rehearsal needs it: on loopback, and it misbehaves on purpose."""
