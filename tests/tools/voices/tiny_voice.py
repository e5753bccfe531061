"""A real voice file of a few kilobytes: every phoneme is the same short hum, a space is silence."""

# ruff: noqa: RUF001 (these are the letters of phonemes)

import json
from importlib import import_module
from pathlib import Path

import numpy as np

RATE = 22_050
HOP = 256
HOPS_A_PHONEME = 6
LETTERS = (
    " abcdefghijklmnopqrstuvwxyzæçðøħŋœɐɑɒɓɔɕɖɗɘəɚɛɜɞɟɡɣɤɥɨɪɫɬɯɰɱɲɳɵɶɹɺɻɽɾʀʁʂʃʄʈʉʊʋʌʍʎʏʐʑʒʔʕʝʟˈˌːˑ"
    "̩̯̃.,!?;:"
)


def write_voice(folder: Path, language: str) -> Path:
    """Write the model and its description; return the model's path."""
    onnx = import_module("onnx")
    make, number = onnx.helper, onnx.TensorProto
    at = np.arange(HOP * HOPS_A_PHONEME)
    hum = 0.4 * np.sin(2 * np.pi * 140 * at / RATE) * np.hanning(len(at))
    constants = {
        "three": np.array([3], np.float32),
        "last": np.array([2], np.int64),
        "hum": hum.astype(np.float32)[None, None],
        "flat": np.array([1, 1, -1], np.int64),
        "none": np.array([0], np.float32),
        "hops": np.array([HOPS_A_PHONEME], np.float32),
    }
    steps: tuple[tuple[str, list[str], str, dict[str, int]], ...] = (
        ("Cast", ["input"], "ids", {"to": number.FLOAT}),
        ("Greater", ["ids", "three"], "voiced", {}),
        ("Cast", ["voiced"], "level", {"to": number.FLOAT}),
        ("Unsqueeze", ["level", "last"], "levels", {}),
        ("Mul", ["levels", "hum"], "hums", {}),
        ("Reshape", ["hums", "flat"], "output", {}),
        ("Mul", ["ids", "none"], "zeros", {}),
        ("Add", ["zeros", "hops"], "durations", {}),
        # The engine hands these over, so the model must take them.
        ("Identity", ["input_lengths"], "unused_lengths", {}),
        ("Identity", ["scales"], "unused_scales", {}),
    )
    value = make.make_tensor_value_info
    graph = make.make_graph(
        [make.make_node(kind, inputs, [output], **more) for kind, inputs, output, more in steps],
        "hum",
        [
            value("input", number.INT64, [1, "phonemes"]),
            value("input_lengths", number.INT64, [1]),
            value("scales", number.FLOAT, [3]),
        ],
        [
            value("output", number.FLOAT, [1, 1, "samples"]),
            value("durations", number.FLOAT, [1, "phonemes"]),
        ],
        [onnx.numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = make.make_model(graph, opset_imports=[make.make_opsetid("", 15)], ir_version=8)
    path = folder / f"{language}.onnx"
    onnx.save(model, str(path))
    describe_voice(path, language)
    return path


def describe_voice(model: Path, language: str) -> None:
    """Write the description that lies beside a model."""
    ids = {"_": [0], "^": [1], "$": [2]}
    ids |= {letter: [3 + place] for place, letter in enumerate(LETTERS)}
    told = {
        "audio": {"sample_rate": RATE},
        "espeak": {"voice": language},
        "language": {"family": language},
        "num_symbols": 256,
        "num_speakers": 1,
        "phoneme_id_map": ids,
    }
    Path(f"{model}.json").write_text(json.dumps(told), "utf-8")
