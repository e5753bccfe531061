"""What may go wrong in a simulated world, and how much of it a scenario holds."""

from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Scenario:
    """How many agents there are, how busy they are, and what befalls them.

    `load` is a share of what all agents could do; `burst` multiplies it for 40 s after three fifths
    of the time. `outages` agents break for 25-50 s each, `flapping` ones break again and again,
    `joining` ones arrive cold in the middle, and `abrupt` times one loses two fifths of its quality
    for good.
    """

    name: str
    load: float = 0.5
    agents: int = 20
    seconds: float = 320.0
    drift: float = 0.12
    outages: int = 0
    flapping: int = 0
    joining: int = 0
    abrupt: int = 0
    burst: float = 1.0
    flawless: bool = False


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("all", outages=10, flapping=2, joining=2, abrupt=3, burst=1.8),
        Scenario("overload", load=0.55, burst=2.2),
        Scenario("outages", outages=10),
        Scenario("flapping", flapping=4),
        Scenario("cold join", joining=4, abrupt=4),
        Scenario("pool of 5", load=0.4, outages=5, agents=5),
        Scenario("drift", drift=0.15),
    )
}

# Agents that never err by themselves: each failure left is the router's. Two thirds of the time at
# least one agent is broken under "one fault", two or more most of the time under "two at once".
_FLAWLESS = Scenario("one fault", load=0.4, drift=0.0, outages=8, flawless=True)
FAILOVER = {
    scenario.name: scenario
    for scenario in (
        _FLAWLESS,
        replace(_FLAWLESS, name="two at once", outages=16),
        replace(_FLAWLESS, name="flapping", outages=0, flapping=4),
    )
}
