from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.numpy import save_file

from harness.errors import ModelError
from harness.job.job import ModelShape
from harness.prepare.weight_files import INDEX, weight_files
from harness.prepare.weights import write_random_model

SHAPE = ModelShape(
    hidden_size=16,
    intermediate_size=32,
    num_hidden_layers=2,
    num_attention_heads=2,
    num_key_value_heads=1,
    head_dim=8,
    vocab_size=64,
    max_position_embeddings=64,
    rms_norm_eps=1e-6,
    rope_theta=1e6,
    tie_word_embeddings=True,
)
UNTIED = dataclasses.replace(SHAPE, tie_word_embeddings=False)
NORM = "model.norm.weight"
Tensors = dict[str, Any]


def tensors(shape: ModelShape, folder: Path) -> Tensors:
    write_random_model(shape, "fp32", 0, folder)
    with safe_open(folder / "model.safetensors", framework="numpy") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def sharded(folder: Path, parts: dict[str, Tensors], mapped: dict[str, str] | None = None) -> None:
    (folder / "model.safetensors").unlink()
    for name, part in parts.items():
        save_file(part, folder / name)
    complete = {tensor: name for name, part in parts.items() for tensor in part}
    content = {"metadata": {}, "weight_map": complete if mapped is None else mapped}
    (folder / INDEX).write_text(json.dumps(content), encoding="utf-8")


def halves(folder: Path) -> dict[str, Tensors]:
    all_of_them = tensors(SHAPE, folder)
    names = sorted(all_of_them)
    first, second = names[:10], names[10:]
    return {
        "model-00001-of-00002.safetensors": {name: all_of_them[name] for name in first},
        "model-00002-of-00002.safetensors": {name: all_of_them[name] for name in second},
    }


def test_a_single_file_is_the_model_and_what_lies_beside_it_is_not(tmp_path: Path) -> None:
    held = tensors(SHAPE, tmp_path)
    save_file({name: value + 1 for name, value in held.items()}, tmp_path / "original.safetensors")
    (tmp_path / INDEX).write_text("not read", encoding="utf-8")
    assert weight_files(tmp_path, SHAPE) == ("model.safetensors",)


def test_shards_are_those_that_the_index_names(tmp_path: Path) -> None:
    parts = halves(tmp_path)
    sharded(tmp_path, parts)
    save_file({NORM: np.zeros(16, np.float32)}, tmp_path / "model-00003-of-00003.safetensors")
    assert weight_files(tmp_path, SHAPE) == tuple(parts)


def test_an_index_that_names_some_of_the_weights_is_refused(tmp_path: Path) -> None:
    first, second = halves(tmp_path).items()
    sharded(tmp_path, dict([first]))
    save_file(second[1], tmp_path / second[0])
    with pytest.raises(ModelError, match=r"its weights lack model\.layers.* and \d+ more"):
        weight_files(tmp_path, SHAPE)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    parts = halves(tmp_path)
    sharded(tmp_path, parts)
    (tmp_path / list(parts)[1]).unlink()
    with pytest.raises(ModelError, match=r"index.json: names model-00002-of-00002.safetensors, which is missing"):
        weight_files(tmp_path, SHAPE)


def test_an_index_that_is_wrong_about_its_files_is_refused(tmp_path: Path) -> None:
    parts = halves(tmp_path)
    first, second = parts
    right = {tensor: name for name, part in parts.items() for tensor in part}
    tensor = next(iter(parts[first]))
    sharded(tmp_path, parts, {**right, tensor: second})
    with pytest.raises(ModelError, match=f"names {second} for {tensor}, which it does not hold"):
        weight_files(tmp_path, SHAPE)
    del right[tensor]
    (tmp_path / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": right}), encoding="utf-8")
    with pytest.raises(ModelError, match=f"does not name {tensor}, which its files hold"):
        weight_files(tmp_path, SHAPE)


def test_a_tensor_that_is_in_two_shards_is_refused(tmp_path: Path) -> None:
    parts = halves(tmp_path)
    first, second = parts
    tensor = next(iter(parts[first]))
    parts[second][tensor] = parts[first][tensor]
    sharded(tmp_path, parts)
    with pytest.raises(ModelError, match=f"{second}: {tensor} is in {first} too"):
        weight_files(tmp_path, SHAPE)


@pytest.mark.parametrize("name", ["../other.safetensors", "/etc/passwd", "model.bin"])
def test_an_index_names_only_safetensors_beside_it(tmp_path: Path, name: str) -> None:
    (tmp_path / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": {NORM: name}}), encoding="utf-8")
    with pytest.raises(ModelError, match=r"which is no .safetensors file beside it"):
        weight_files(tmp_path, SHAPE)


def test_an_index_that_transformers_would_not_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / INDEX).write_text(json.dumps({"weight_map": {NORM: "a.safetensors"}}), encoding="utf-8")
    (tmp_path / "a.safetensors").write_bytes(b"")
    with pytest.raises(ModelError, match="has no metadata, without which transformers does not read it"):
        weight_files(tmp_path, SHAPE)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"weight_map": {}}', '{"weight_map": {"a": 1}}', "[" * 100_000])
def test_an_index_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / INDEX).write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"index.json: (is not JSON|weight_map must say)"):
        weight_files(tmp_path, SHAPE)


@given(share=st.floats(0, 0.999))
def test_a_file_that_was_cut_off_anywhere_is_refused(tmp_path_factory: pytest.TempPathFactory, share: float) -> None:
    folder = tmp_path_factory.mktemp("cut")
    tensors(SHAPE, folder)
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ModelError, match="is damaged, or no safetensors file"):
        weight_files(folder, SHAPE)


def test_weights_that_are_not_the_model_s_are_named(tmp_path: Path) -> None:
    held = tensors(SHAPE, tmp_path)
    path = tmp_path / "model.safetensors"
    save_file({name: value for name, value in held.items() if name != NORM}, path)
    with pytest.raises(ModelError, match=r"its weights lack model\.norm\.weight$"):
        weight_files(tmp_path, SHAPE)
    save_file({**held, "model.layers.0.self_attn.q_proj.bias": held[NORM]}, path)
    with pytest.raises(ModelError, match=r"hold model\.layers\.0\.self_attn\.q_proj\.bias, which are no part"):
        weight_files(tmp_path, SHAPE)
    save_file({**held, NORM: held[NORM][:8]}, path)
    with pytest.raises(ModelError, match=r"model\.norm\.weight is \[8\], by config.json it must be \[16\]"):
        weight_files(tmp_path, SHAPE)


@pytest.mark.parametrize("dtype", [np.int8, np.float64, ml_dtypes.float8_e4m3fn])
def test_weights_that_are_stored_in_another_kind_of_number_are_refused(tmp_path: Path, dtype: Any) -> None:
    held = tensors(SHAPE, tmp_path)
    save_file({**held, NORM: held[NORM].astype(dtype)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"model\.norm\.weight is stored as \w+; must be F32 or BF16 or F16"):
        weight_files(tmp_path, SHAPE)


def test_a_head_beside_tied_embeddings_must_be_the_embedding(tmp_path: Path) -> None:
    held = tensors(SHAPE, tmp_path)
    path = tmp_path / "model.safetensors"
    embedding = held["model.embed_tokens.weight"]
    save_file({**held, "lm_head.weight": embedding.copy()}, path)
    assert weight_files(tmp_path, SHAPE) == ("model.safetensors",)
    other = embedding.copy()
    other[-1, -1] += 1
    save_file({**held, "lm_head.weight": other}, path)
    with pytest.raises(ModelError, match=r"lm_head.weight is another than the embedding, to which config.json ties it"):
        weight_files(tmp_path, SHAPE)


def test_a_head_that_is_not_tied_must_be_there(tmp_path: Path) -> None:
    held = tensors(UNTIED, tmp_path)
    assert weight_files(tmp_path, UNTIED) == ("model.safetensors",)
    save_file({name: value for name, value in held.items() if name != "lm_head.weight"}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"lack lm_head.weight; or the model is one with tie_word_embeddings"):
        weight_files(tmp_path, UNTIED)
