"""QLoRA's frozen weights in 4 bits, by bitsandbytes, for the reference's model."""

from __future__ import annotations

import bitsandbytes
import torch

from ..reference.qwen3 import Linear, Qwen3


class FourBitLinear(Linear):
    """A linear layer whose base weight is a bitsandbytes Params4bit."""

    def base(self, x: torch.Tensor) -> torch.Tensor:
        """The layer without LoRA."""
        return bitsandbytes.matmul_4bit(x, self.weight.t(), quant_state=self.weight.quant_state)


def quantize(model: Qwen3) -> None:
    """Put every linear layer of a block in 4 bits. bitsandbytes quantizes when the model moves to its device."""
    for module in model.model.layers.modules():
        if isinstance(module, Linear):
            module.weight = bitsandbytes.nn.Params4bit(
                module.weight.data, requires_grad=False, quant_type="nf4", compress_statistics=True
            )
            module.__class__ = FourBitLinear
