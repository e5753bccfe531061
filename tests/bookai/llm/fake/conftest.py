"""The servers that the contract is held against: the fake one, and a real one where asked for."""

import os
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import ollama
import pytest

from bookai.testing.fake_ollama import CODELLAMA, LLAMA, MISTRAL, Config, FakeModel, FakeOllama

# Read at import: no test sees the operator's own environment.
ASKED_FOR_REAL = os.environ.get("BOOKAI_TEST_OLLAMA") == "1"
REAL_HOST = os.environ.get("OLLAMA_HOST") or "http://127.0.0.1:11434"
REAL_MODEL = os.environ.get("OLLAMA_MODEL")
THINKER = FakeModel("qwen3:8b", skills=("completion", "tools", "thinking"))
MODELS = (LLAMA, CODELLAMA, MISTRAL, THINKER)


@dataclass(frozen=True)
class Server:
    """What answers, and the model to ask. `fake` is None for a real one."""

    url: str
    model: str
    fake: FakeOllama | None
    client: ollama.AsyncClient


@pytest.fixture(params=["fake", "real"] if ASKED_FOR_REAL else ["fake"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    if request.param == "real":
        url = REAL_HOST if "://" in REAL_HOST else f"http://{REAL_HOST}"
        async with ollama.AsyncClient(url, timeout=300, trust_env=False, verify=False) as client:
            yield Server(url, await real_model(client, url), None, client)
        return
    async with (
        FakeOllama(Config(models=MODELS, time_scale=0.005, num_parallel=2)) as fake,
        ollama.AsyncClient(fake.url, timeout=5, trust_env=False, verify=False) as client,
    ):
        yield Server(fake.url, LLAMA.name, fake, client)


async def real_model(client: ollama.AsyncClient, url: str) -> str:
    try:
        names = [str(entry.model) for entry in (await client.list()).models]
    except (ConnectionError, httpx.HTTPError):
        pytest.skip(f"no Ollama answers at {url}; OLLAMA_HOST names another")
    wanted = REAL_MODEL or (names[0] if names else LLAMA.name)
    if wanted not in names:
        pytest.skip(f"Ollama at {url} has no model {wanted!r}; get it with: ollama pull {wanted}")
    return wanted


async def skills(server: Server, model: str) -> frozenset[str]:
    return frozenset((await server.client.show(model)).capabilities or ())


async def model_without(server: Server, skill: str) -> str:
    """Return a model that can chat but hasn't this skill."""
    for entry in (await server.client.list()).models:
        has = await skills(server, str(entry.model))
        if "completion" in has and skill not in has:
            return str(entry.model)
    pytest.skip(f"every model there has {skill!r}")
