"""The reference of all commands, written from the commands themselves.

`python -m studio.commands.reference > docs/reference/cli.md`; a test holds the page against it.
"""

import sys

import click

from studio.cli import bookai


def reference() -> str:
    """Return the page: every command with its help, in the order of `bookai --help`."""
    parts = [
        "# Commands",
        "Written by `python -m studio.commands.reference`; do not edit.",
        "Exit status: 0 done, 1 an error with its reason and mend, 2 wrong usage.",
    ]
    root = click.Context(bookai, info_name="bookai", **bookai.context_settings)
    parts.append(_section("bookai", bookai, root))
    parts.extend(_sections(bookai, root))
    return "\n\n".join(parts) + "\n"


def _sections(group: click.Group, parent: click.Context) -> list[str]:
    found = []
    for name in group.list_commands(parent):
        command = group.get_command(parent, name)
        if command is None:
            continue
        context = click.Context(command, info_name=name, parent=parent)
        found.append(_section(context.command_path, command, context))
        if isinstance(command, click.Group):
            found.extend(_sections(command, context))
    return found


def _section(title: str, command: click.Command, context: click.Context) -> str:
    context.terminal_width = context.max_content_width = 88
    return f"## {title}\n\n```\n{command.get_help(context)}\n```"


if __name__ == "__main__":
    sys.stdout.write(reference())
