"""What a rehearsal is played on, for who plays it and for who tells what came of it."""

from dataclasses import dataclass

from studio.loop.run import Runner
from studio.rehearsal.audience import Audience
from studio.rehearsal.clock import Clock
from studio.rehearsal.films import Films
from studio.rehearsal.hands import Hands
from studio.rehearsal.peers.press import Press
from studio.rehearsal.peers.video import VideoHost
from studio.rehearsal.people import People
from studio.rehearsal.world import World
from studio.wiring import Studio


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that moves in a rehearsal."""

    world: World
    clock: Clock
    house: Studio
    runner: Runner
    hands: Hands
    people: People
    audience: Audience
    films: Films
    press: Press
    host: VideoHost
    seed: int
