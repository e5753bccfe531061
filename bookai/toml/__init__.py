"""The operator's file: on which line a key stands, what is wrong with it, how it is changed."""

from bookai.toml.lines import KeyPath, line_of, lines_of
from bookai.toml.mends import dotted, syntax_error, wrong_values

__all__ = ["KeyPath", "dotted", "line_of", "lines_of", "syntax_error", "wrong_values"]
