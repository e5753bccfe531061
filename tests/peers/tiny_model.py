"""A language model of random weights, small enough to be made by a test: it says nothing, fast."""

from pathlib import Path
from typing import Any

import numpy as np

WIDTH, LAYERS, HEADS, INNER = 64, 2, 4, 128
MERGES = ("t r", "u e", "tr ue", "n u", "l l", "nu ll")
TEMPLATE = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}assistant:"


def write_tiny_model(path: Path, gguf: Any, *, context: int = 2048, seed: int = 0) -> None:
    """Write a llama of about 0.1 million weights with a byte-level vocabulary."""
    tokens = [*_alphabet(), b"<|bos|>", b"<|eos|>"]
    kinds = [gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.CONTROL] * 2
    for merge in MERGES:
        tokens.append(merge.replace(" ", "").encode())
        kinds.append(gguf.TokenType.NORMAL)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_name("tiny-random")
    writer.add_context_length(context)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(MERGES)
    writer.add_bos_token_id(256)
    writer.add_eos_token_id(257)
    writer.add_add_bos_token(True)
    writer.add_chat_template(TEMPLATE)
    for name, weights in _weights(len(tokens), np.random.default_rng(seed)).items():
        writer.add_tensor(name, weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _alphabet() -> list[bytes]:
    """Return the 256 bytes in the printable spelling that byte-level vocabularies use."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    spelled = {byte: chr(byte) for byte in plain}
    others = (byte for byte in range(256) if byte not in spelled)
    spelled |= {byte: chr(256 + place) for place, byte in enumerate(others)}
    return [spelled[byte].encode() for byte in range(256)]


def _weights(size: int, rng: np.random.Generator) -> dict[str, Any]:
    def random(*shape: int, spread: float = 0.08) -> Any:
        return rng.normal(0, spread, shape).astype(np.float32)

    ones = np.ones(WIDTH, np.float32)
    found = {
        "token_embd.weight": random(size, WIDTH, spread=0.5),
        "output_norm.weight": ones,
        "output.weight": random(size, WIDTH, spread=0.3),
    }
    for layer in range(LAYERS):
        block = f"blk.{layer}."
        found |= {f"{block}attn_norm.weight": ones, f"{block}ffn_norm.weight": ones}
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            found[f"{block}{name}.weight"] = random(WIDTH, WIDTH)
        found[f"{block}ffn_gate.weight"] = random(INNER, WIDTH)
        found[f"{block}ffn_up.weight"] = random(INNER, WIDTH)
        found[f"{block}ffn_down.weight"] = random(WIDTH, INNER)
    return found
