"""What is asked again at the moment of sending, when a yes may be hours or days old."""

from studio.sending.gate import Gate

__all__ = ["Gate"]
