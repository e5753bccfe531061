"""Encode a scene on a graphics device: every frame goes through ffmpeg, none is left out."""

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass

from tools.render.encoders.pipe import PipeEncoder
from tools.render.engine.coder import Scene, Segment
from tools.render.layout import Size
from tools.render.sprites import Frame


@dataclass(frozen=True, slots=True)
class DeviceCoder:
    """Encodes scenes of one size with an encoder of ffmpeg's."""

    encoder: PipeEncoder
    size: Size

    def encode(
        self, scene: Scene, frames: range, on_frame: Callable[[int], None] | None = None
    ) -> Segment:
        """Return the scene's frames `frames` as a segment.

        Raises:
            ToolFailed: the encoder does not start, broke, hangs, or lost a picture.
        """
        units = self.encoder.encode(self._drawn(scene, frames, on_frame), self.size)
        return Segment(tuple(units), len(units))

    def _drawn(
        self, scene: Scene, frames: range, on_frame: Callable[[int], None] | None
    ) -> Iterator[Frame]:
        frame, before = Frame(self.size.width, self.size.height), list[Hashable]()
        for n in frames:
            if on_frame is not None:
                on_frame(n)
            state = scene.state(n)
            if [state] != before:
                scene.draw(frame, n)
                before = [state]
            yield frame
