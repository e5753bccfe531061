"""Open the pictures and clips that a film shows, and no others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bookai.film.material import Media
from bookai.film.shots import ClipShot, ImageShot, ShotRow
from tools.media.clips import Clip, look_at_clip
from tools.media.pictures import load_picture
from tools.render.cards.panels import Pictures, Still, Strip
from tools.render.sprites import Frame


@dataclass(frozen=True, slots=True)
class Moving:
    """A clip, opened anew for every panel that shows it."""

    path: Path

    def strip(self, size: tuple[int, int], fps: int, start_s: float) -> Iterator[Frame]:
        """Yield its frames from `start_s` on, without end: its last picture stays."""
        return Clip(self.path, size, fps, start_s=start_s).frames()


def open_media(media: Sequence[Media], rows: Sequence[ShotRow]) -> Pictures:
    """Return what the shots show, by its number.

    Raises:
        Refused: a file is missing, of another kind, broken, or passes a limit.
    """
    opened: dict[int, Still | Strip] = {}
    for row in rows:
        shot = row.chosen.shot
        if isinstance(shot, ImageShot):
            opened[shot.media] = load_picture(Path(media[shot.media].path))
        elif isinstance(shot, ClipShot):
            path = Path(media[shot.media].path)
            look_at_clip(path)
            opened[shot.media] = Moving(path)
    return opened
