"""`bookai agents`: who works here, how well, and why one was chosen."""

from studio.commands.agents.listing import agents_command
from studio.commands.agents.why import why

agents_command.add_command(why)

__all__ = ["agents_command"]
