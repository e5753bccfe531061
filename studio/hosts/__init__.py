"""Agents in other processes and on other hosts: offered over MCP there, candidates like all here.

host process (`bookai agents serve`)            studio's process
desk ── describe_agents, run_step ──── MCP ──── RemoteAgent ── members ── router
                                                reach: a beat every 5 s; accept: what may change
"""
