"""A fake Ollama server for tests: `async with FakeOllama(Config(...)) as fake: fake.url`."""

from bookai.testing.fake_ollama.config import (
    CODELLAMA,
    FAULTS,
    LLAMA,
    MISTRAL,
    Config,
    FakeModel,
    Fault,
    Stats,
)
from bookai.testing.fake_ollama.generation import Call
from bookai.testing.fake_ollama.server import FakeOllama

__all__ = [
    "CODELLAMA",
    "FAULTS",
    "LLAMA",
    "MISTRAL",
    "Call",
    "Config",
    "FakeModel",
    "FakeOllama",
    "Fault",
    "Stats",
]
