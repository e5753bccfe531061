"""A film as parts that are encoded apart: each scene, and each turn between two scenes."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from pydantic import TypeAdapter

from bookai.film.material import Media
from bookai.film.shots import ClipShot, ImageShot
from tools.render.engine.coder import QUALITY, Scene, SceneCoder, Segment
from tools.render.engine.store import Store, digest_of, key_of
from tools.render.film import SceneView, Turning
from tools.render.look import Header, Look
from tools.render.text import plan


@dataclass(frozen=True, slots=True)
class Part:
    """Frames `frames` of `scene()`, of which the film shows `wanted`; `key` names their content."""

    key: str
    scene: Callable[[], Scene]
    frames: range
    wanted: int


class Reel:
    """All parts of one film in one size."""

    def __init__(self, film: plan.Film, look: Look, media: Sequence[Media], encoder: str) -> None:
        self._film, self._look, self._media, self._encoder = film, look, media, encoder
        self._header = Header(look)
        self._views: dict[int, SceneView] = {}

    def parts(self) -> Iterator[Part]:
        """Yield the parts in their order; views that are no longer needed are dropped."""
        scenes, turn = self._film.scenes, self._film.turn_frames
        before = ""
        for k, scene in enumerate(scenes):
            after = scenes[k + 1].first if k + 1 < len(scenes) else self._film.frames
            key = self._key(scene, k)
            self._views = {n: view for n, view in self._views.items() if n >= k - 1}
            if k:
                crossing = key_of({"turn": [before, key]})
                yield Part(crossing, partial(self._turning, k), range(turn), turn)
            start = turn if k else 0
            yield Part(
                key,
                partial(self._view, k),
                range(start, scene.length),
                after - scene.first - start,
            )
            before = key

    def _view(self, k: int) -> SceneView:
        if k not in self._views:
            self._views[k] = SceneView(self._look, self._film.scenes[k], k, self._header)
        return self._views[k]

    def _turning(self, k: int) -> Turning:
        return Turning(self._view(k - 1), self._view(k), self._film)

    def _key(self, scene: plan.Scene, k: int) -> str:
        own = _SCENE.dump_python(scene, mode="json")
        own.pop("first")
        look = self._look
        shown = [beat.shot for beat in scene.beats]
        return key_of(
            {
                "scene": own,
                "number": [k, look.scenes],
                "turn_frames": self._film.turn_frames if k else 0,
                "size": look.layout.size.model_dump(),
                "encoder": [self._encoder, QUALITY],
                "words": dataclasses.asdict(look.credits),
                "palette": dataclasses.asdict(look.palette),
                "clean": look.clean,
                "font": [digest_of(look.face.path), look.face.language],
                "logo": digest_of(look.logo),
                "media": [
                    (self._media[shot.media].sha256, look.thanks.get(shot.media, ""))
                    for shot in shown
                    if isinstance(shot, ImageShot | ClipShot)
                ],
            }
        )


_SCENE = TypeAdapter(plan.Scene)


@dataclass(slots=True)
class Counts:
    """What was encoded: scenes and turns, those that the store had, pictures that were coded."""

    parts: int = 0
    reused: int = 0
    coded: int = 0


def encode(
    reel: Reel, coder: SceneCoder, store: Store, done: Callable[[int], None], counts: Counts
) -> Iterator[Segment]:
    """Yield the film's segments, from the store where it has them.

    `done` is told how many frames are ready.
    """
    ready = 0
    for part in reel.parts():
        segment = store.get(part.key)
        counts.parts += 1
        if segment is None:
            start = ready - part.frames.start
            segment = coder.encode(part.scene(), part.frames, partial(_tell, done, start))
            store.put(part.key, segment)
            counts.coded += segment.coded
        else:
            counts.reused += 1
        ready += part.wanted
        done(ready)
        yield segment.cut(part.wanted)


def _tell(done: Callable[[int], None], start: int, n: int) -> None:
    done(start + n)
