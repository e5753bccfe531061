"""litellm's Router under the load of `llm_pool.py`: run by it, in the rivals' environment."""

import asyncio
import json
import logging
import os
import sys
from importlib.metadata import version
from typing import Any, Self

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["NO_PROXY"] = "*"

import litellm
from model_pool.load import ATTEMPT_S, CHAIN, MAX_TOKENS, NUM_CTX, SCHEMA, Book, run

FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "Book", "schema": SCHEMA, "strict": True},
}


class LiteLlm:
    """Least busy, three retries, ten seconds an attempt."""

    def __init__(self, urls: list[str]) -> None:
        self._router: Any = litellm.Router(
            model_list=[
                {
                    "model_name": "writer",
                    "litellm_params": {
                        "model": f"ollama_chat/{CHAIN[0]}",
                        "api_base": url,
                        "timeout": ATTEMPT_S,
                        "num_ctx": NUM_CTX,
                        "max_tokens": MAX_TOKENS,
                    },
                }
                for url in urls
            ],
            routing_strategy="least-busy",
            num_retries=3,
            retry_after=0,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await litellm.close_litellm_async_clients()

    async def ask(self, text: str) -> Book:
        messages = [{"role": "user", "content": text}]
        reply = await self._router.acompletion(
            model="writer", messages=messages, response_format=FORMAT
        )
        return Book.model_validate_json(reply.choices[0].message.content)


async def main() -> None:
    plan = json.loads(sys.argv[1])
    for name in ("LiteLLM", "LiteLLM Router", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    litellm.suppress_debug_info = True
    urls = plan.pop("urls")
    async with LiteLlm(urls) as client:
        name = f"litellm {version('litellm')}, least busy"
        print((await run(name, client, urls, **plan)).as_json())


if __name__ == "__main__":
    asyncio.run(main())
