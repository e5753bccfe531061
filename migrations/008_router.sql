-- What the router remembers: faults told apart, beats of agents, and word of every outcome.
SELECT 1;
