"""What the router is tuned by, and the three presets. All times are seconds.

Measured over simulated worlds, the figures are flat: half or double of most changes nothing that
can be told from noise. The time scales must fit how long the work takes; that is what the presets
differ in.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Params:
    """The defaults are those of the simulator, whose work takes about a second."""

    # How fast evidence is forgotten: by half in so many seconds.
    health_half_life_s: float = 20.0
    skill_half_life_s: float = 300.0
    # The prior, in imagined attempts: a newcomer's health, and how much a declared skill counts.
    health_prior: float = 0.95
    health_prior_n: float = 2.0
    skill_prior_n: float = 6.0
    # What a failed attempt costs besides its time.
    failure_s: float = 3.0
    # Luck in a choice: 0 takes the best known, 1 is full Thompson sampling.
    explore: float = 0.5
    # How much slower one gets when all of its slots are taken (0.25: by a quarter).
    load: float = 0.25
    # Latency: nobody's is known at the start; a quicker attempt lowers it within `latency_decay_s`.
    latency_s: float = 1.0
    latency_decay_s: float = 20.0
    # Whether one latency holds for all of a member's skills.
    one_latency: bool = True
    # A silent member is out after this long.
    stale_s: float = 15.0
    # The breaker: so many failures of health in a row open it, for longer each time.
    breaker_failures: int = 3
    breaker_s: float = 1.0
    breaker_max_s: float = 5.0
    breaker_jitter: float = 0.2
    breaker_forget_s: float = 60.0
    # The share of a half-open member's slots that may try it.
    probes: float = 0.5
    # What stays of the failures when the breaker closes: they told of another state.
    amnesty: float = 0.1
    # The alarm: the log-likelihood ratio of "its skill has halved" that throws the past away,
    # and how fast evidence is forgotten until `alarm_wins` attempts went well. 0 = no alarm.
    alarm: float = 3.0
    alarm_half_life_s: float = 20.0
    alarm_wins: int = 5
    # Whoever succeeds less often than this is not asked while somebody twice as good is merely
    # busy: a wasted attempt costs more than a short wait. 0 = everybody who is free is asked.
    hopeless: float = 0.35
    # Nobody asks one who is busy for this long.
    busy_s: float = 0.25
    # Decay reaches every member's price within this long (longer where there are thousands).
    refresh_s: float = 0.25
    # Look at so many candidates drawn by lot instead of all; 0 = all.
    draws: int = 0
    # How many of the latest outcomes a late one may be sorted into (0: late ones only count).
    replay: int = 0
    # A waiting task with less than this left, in seconds or as a share of its time, is not begun.
    shed_s: float = 0.0
    shed_share: float = 1 / 6
    # The queue turns to newest first once its head has waited for this share of its time, 1: never.
    # Given up in time, the oldest first lose least in a burst (docs/why/routing-quality.md).
    newest_first: float = 1.0


# The simulator's world: tasks of about a second with 12 s to live.
SIM = Params()

# Agents' steps take from seconds to an hour and there are few in a day, so a bad morning is worth
# remembering at noon: evidence halves in six hours for skill and in half an hour for health, and a
# breaker opens for a minute, as long as a service needs to come back. A latency belongs to one
# capability: writing and rendering have nothing in common. Outcomes of other processes come late
# and out of order, so the last ones are kept. Somebody better may be busy for an hour: nobody waits
# for him. Steps of seconds share their queue with steps of an hour, so what is too late cannot be
# told from the time left; the newest go first when it gets late.
STEPS = Params(
    health_half_life_s=1800.0,
    skill_half_life_s=6 * 3600.0,
    failure_s=30.0,
    latency_s=30.0,
    latency_decay_s=3600.0,
    one_latency=False,
    breaker_s=60.0,
    breaker_max_s=300.0,
    breaker_forget_s=3600.0,
    alarm_half_life_s=1800.0,
    hopeless=0.0,
    busy_s=1.0,
    refresh_s=1.0,
    replay=32,
    shed_share=0.0,
    newest_first=0.7,
)

# Model servers: calls of a second or so, many a minute. Streams on one GPU slow each other down,
# hence the higher `load`; the skill of a server at a model changes when somebody changes the model.
# Servers are probed for life every 2 s by the pool, which says so by `beat`. A caller's deadline
# says nothing about how long a call takes, so only what has next to no time left is given up;
# then oldest first would waste a lasting overload, and the newest go first when it gets late.
MODELS = Params(
    skill_half_life_s=120.0,
    load=1.5,
    latency_decay_s=30.0,
    one_latency=False,
    shed_s=0.5,
    shed_share=0.0,
    newest_first=0.7,
)
