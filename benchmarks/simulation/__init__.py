"""A discrete-event simulation of tasks routed over agents that cannot be relied on."""
