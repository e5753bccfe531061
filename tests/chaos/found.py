"""Schedules that found a defect, kept as they were: what a seed draws may change, these do not."""

from tests.chaos.schedule import Fault, Schedule, Wish

# schedule: what it found, and what mended it
FOUND: dict[Schedule, str] = {
    Schedule(
        seed=900_001,
        cast=("operator", "worker-a"),
        wishes=(Wish("gallery", "yes", has_offer=False),),
        faults=(Fault("parent dies first", "some worker", nth=1, seam="child.encode"),),
        ending="SIGTERM",
    ): "a program that hung went on when its worker was killed; tools/media/tether.py",
    Schedule(
        seed=900_002,
        cast=("operator", "worker-a", "worker-b"),
        wishes=(Wish("remote", "yes", has_offer=False),),
        faults=(
            Fault(
                "freeze at a seam", "some worker", 1, seam="desk.keep_sending.after", much=20_000
            ),
        ),
        ending="SIGTERM",
    ): "a sender frozen right after its lease was confirmed sent when it was thawed",
    Schedule(
        seed=900_003,
        cast=("operator", "worker-a", "worker-b", "keeper"),
        wishes=(Wish("remote", "yes", has_offer=False), Wish("gallery", "yes", has_offer=False)),
        faults=(Fault("postgres crash", "server", after_ms=768),),
        ending="SIGKILL",
    ): "a crash between a step's result and its checkpoint made the run look over: its job was done"
    " and not published; graphs/production.py, tests/graphs/test_half_written.py",
}
