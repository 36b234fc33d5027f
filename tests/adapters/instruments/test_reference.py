"""The reference trains whatever the frameworks train: its loss in chunks, its layers computed again, NF4 quickly."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from harness.environment.environment import Environment
from harness.files.locations import SOURCE_ROOT
from harness.job.frameworks import REFERENCE_ENVIRONMENT

BEFORE = """
import json, sys
sys.path.insert(0, sys.argv[1])
import torch
from torch.nn import functional
torch.manual_seed(0)
"""

LOSS = """
from adapters.instruments.reference.loss import CHUNK_ROWS, IGNORED_LABEL, mean_cross_entropy
def plain(hidden, weight, labels):
    logits = functional.linear(hidden, weight)[:, :-1].float().flatten(0, 1)
    return functional.cross_entropy(logits, labels[:, 1:].flatten(), ignore_index=IGNORED_LABEL)
printed = {}
for name, dtype, autocast in (("fp32", torch.float32, False), ("bf16", torch.bfloat16, False),
                              ("autocast", torch.float32, True)):
    hidden = torch.randn(3, CHUNK_ROWS, 32).to(dtype).requires_grad_()
    weight = torch.randn(1000, 32).to(dtype).requires_grad_()
    labels = torch.randint(0, 1000, (3, CHUNK_ROWS))
    labels[0, :7] = IGNORED_LABEL
    found = []
    for way in (plain, mean_cross_entropy):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            loss = way(hidden, weight, labels) / 2
        found.append((loss, *torch.autograd.grad(loss, (hidden, weight))))
    apart = [float((a - b).double().norm() / a.double().norm()) for a, b in zip(*found)]
    printed[name] = {"apart": apart, "dtypes": [str(one.dtype) for one in found[1]]}
print(json.dumps(printed))
"""

MEMORY = """
from adapters.instruments.reference.loss import mean_cross_entropy
largest = 0
class Listener(torch.utils._python_dispatch.TorchDispatchMode):
    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        global largest
        out = function(*arguments, **(options or {}))
        for one in out if isinstance(out, (tuple, list)) else [out]:
            if isinstance(one, torch.Tensor):
                largest = max(largest, one.numel())
        return out
hidden = torch.randn(1, 4096, 8, requires_grad=True)
weight = torch.randn(5000, 8, requires_grad=True)
with Listener():
    mean_cross_entropy(hidden, weight, torch.randint(0, 5000, (1, 4096))).backward()
print(json.dumps({"largest": largest, "logits": 4096 * 5000}))
"""

NEAREST = """
from bitsandbytes.functional import get_4bit_type
from adapters.instruments.reference.four_bit import nearest
codes = get_4bit_type("nf4", device="cpu").to(torch.bfloat16)
values = torch.randn(4096, 64).to(torch.bfloat16)
values = values / values.abs().amax(dim=1, keepdim=True)
every = values.unsqueeze(-1).sub(codes).abs().argmin(dim=-1)
wide = values.float()
same = bool((nearest(values, codes) == every).all())
same_wide = bool((nearest(wide, codes.float()) == wide.unsqueeze(-1).sub(codes.float()).abs().argmin(dim=-1)).all())
print(json.dumps({"bf16": same, "fp32": same_wide}))
"""

OPERATORS = """
from adapters.instruments.witness.operators import Operators
wide, narrow = torch.zeros(8, 8), torch.ones(8, 8, dtype=torch.bfloat16)
listening = Operators()
listening.start()
try:
    # Only CUDA has it, and the profiler hears of it all the same: bf16 matrices, summed up in fp32.
    torch.addmm(wide, narrow, narrow, out_dtype=torch.float32)
except NotImplementedError:
    pass
torch.addmm(narrow, narrow, narrow)
torch.baddbmm(narrow[None], narrow[None], narrow[None])
torch.mm(wide, wide)
print(json.dumps(listening.stop()["matmul_dtypes"]))
"""

DIGEST = """
from adapters.instruments.witness.tensors import change_of, digest, fingerprint, read_all, squares_of
values = torch.randn(700_001)
flat = values.double()
norm, weighted = flat.norm(), flat @ torch.sin(torch.arange(1, len(flat) + 1, dtype=torch.float64))
(squares, sum_), = read_all({"x": fingerprint(values)}).values()
changed = values.clone()
changed.view(torch.int32)[-1] ^= 1
half = torch.ones(1000, dtype=torch.bfloat16)
moved = half.clone()
moved[:10] += 2 ** -7
wide = half.float()
nudged = wide.clone()
nudged[:10] += 2 ** -7
nudged[10:30] += 2 ** -12
print(json.dumps({
    "squares": [squares, float(norm ** 2), float(squares_of(values))], "weighted": [sum_, float(weighted)],
    "same": digest(values) == digest(values.clone()), "bit": digest(values) == digest(changed),
    "narrow": change_of(moved, half).tolist()[1:], "wide": change_of(nudged, wide).tolist()[1:],
}))
"""


@pytest.fixture
def printed(environments: dict[str, Environment]) -> Any:
    """What a script prints that runs in the reference's environment."""

    def run(script: str) -> dict[str, Any]:
        command = [str(environments[REFERENCE_ENVIRONMENT].python), "-P", "-c", BEFORE + script, str(SOURCE_ROOT)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path("/"))
        assert done.returncode == 0, done.stderr
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return result

    return run


def test_the_loss_in_chunks_is_the_loss_of_all_rows(printed: Any) -> None:
    found = printed(LOSS)
    assert max(found["fp32"]["apart"]) < 1e-6
    for name in ("bf16", "autocast"):
        loss, of_hidden, of_weight = found[name]["apart"]
        assert loss < 1e-5
        assert max(of_hidden, of_weight) < 2**-8
    assert found["bf16"]["dtypes"][1:] == ["torch.bfloat16"] * 2


def test_the_logits_of_all_rows_are_never_there_together(printed: Any) -> None:
    found = printed(MEMORY)
    assert found["largest"] <= found["logits"] / 8


def test_the_nearest_codes_are_found_quickly_and_are_the_same(printed: Any) -> None:
    assert printed(NEAREST) == {"bf16": True, "fp32": True}


def test_a_matmul_is_of_the_dtype_of_its_matrices_and_not_of_what_it_is_added_to(printed: Any) -> None:
    assert printed(OPERATORS) == {"bfloat16": 3, "float32": 1}


def test_a_tensor_s_figures_are_exact_and_its_digest_sees_one_bit(printed: Any) -> None:
    found = printed(DIGEST)
    assert found["squares"] == pytest.approx([found["squares"][1]] * 3, rel=1e-12)
    assert found["weighted"][0] == pytest.approx(found["weighted"][1], abs=1e-7)
    assert found["same"]
    assert not found["bit"]
    assert found["narrow"] == [10, 10]
    assert found["wide"] == [30, 10]
