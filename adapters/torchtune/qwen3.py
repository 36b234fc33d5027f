"""Qwen3 from building blocks of torchtune 0.6.1, which has no models/qwen3 (its development has ended)."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection
from typing import TypedDict, Unpack

import torch
from torch import nn
from torchtune.models.qwen2._positional_embeddings import Qwen2RotaryPositionalEmbeddings
from torchtune.modules import (
    FeedForward,
    MultiHeadAttention,
    RMSNorm,
    TiedLinear,
    TransformerDecoder,
    TransformerSelfAttentionLayer,
)
from torchtune.modules.common_utils import reparametrize_as_dtype_state_dict_post_hook
from torchtune.modules.low_precision import FrozenNF4Linear
from torchtune.modules.peft import LoRALinear

Linear = Callable[[str, int, int], nn.Module]
"""Makes the linear layer of that name, with that many inputs and outputs."""


class NormThenRope(RMSNorm):
    """The query's or key's norm followed by rotary embeddings, the order that Qwen3 needs.

    MultiHeadAttention rotates first and norms afterwards. Without `pos_embeddings` and with this as its norm, it does
    both here. `x` is [batch, heads, sequence, head_dim]. Blocks have no packed positions, so none are accepted.
    """

    def __init__(self, dim: int, eps: float, rope: nn.Module) -> None:
        super().__init__(dim=dim, eps=eps)
        self.rope = rope

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        turned: torch.Tensor = self.rope(super().forward(x).transpose(1, 2))
        return turned.transpose(1, 2)


class Dimensions(TypedDict):
    """A decoder's dimensions, by torchtune's names."""

    vocab_size: int
    num_layers: int
    num_heads: int
    num_kv_heads: int
    head_dim: int
    embed_dim: int
    intermediate_dim: int
    max_seq_len: int
    norm_eps: float
    rope_base: float
    tie_word_embeddings: bool


def qwen3(**dimensions: Unpack[Dimensions]) -> TransformerDecoder:
    """Return a Qwen3 decoder for full fine-tuning."""

    def linear(_: str, inputs: int, outputs: int) -> nn.Module:
        return nn.Linear(inputs, outputs, bias=False)

    return _decoder(linear, dimensions)


def lora_qwen3(
    *,
    lora_attn_modules: Collection[str],
    apply_lora_to_mlp: bool,
    lora_rank: int,
    lora_alpha: float,
    lora_dropout: float,
    quantize_base: bool,
    **dimensions: Unpack[Dimensions],
) -> TransformerDecoder:
    """Return a Qwen3 decoder with LoRA, over frozen NF4 weights if `quantize_base`.

    torchtune's builders quantize only the layers with LoRA. Here every linear layer of a block is quantized, as
    bitsandbytes does for the other frameworks.
    """
    with_lora = set(lora_attn_modules) | ({"gate_proj", "up_proj", "down_proj"} if apply_lora_to_mlp else set())

    def linear(name: str, inputs: int, outputs: int) -> nn.Module:
        if name in with_lora:
            return LoRALinear(
                inputs, outputs, rank=lora_rank, alpha=lora_alpha, dropout=lora_dropout, quantize_base=quantize_base
            )
        if quantize_base:
            return FrozenNF4Linear(inputs, outputs)
        return nn.Linear(inputs, outputs, bias=False)

    model = _decoder(linear, dimensions)
    if quantize_base:
        # As torchtune's own builders do: a checkpoint holds the 4-bit weights in the dtype of the others.
        dtype = model.tok_embeddings.weight.dtype
        hook = functools.partial(reparametrize_as_dtype_state_dict_post_hook, dtype=dtype, offload_to_cpu=True)
        model._register_state_dict_hook(hook)
    return model


def _decoder(linear: Linear, size: Dimensions) -> TransformerDecoder:
    rope = Qwen2RotaryPositionalEmbeddings(
        dim=size["head_dim"], max_seq_len=size["max_seq_len"], base=size["rope_base"]
    )

    def layer() -> TransformerSelfAttentionLayer:
        attention = MultiHeadAttention(
            embed_dim=size["embed_dim"],
            num_heads=size["num_heads"],
            num_kv_heads=size["num_kv_heads"],
            head_dim=size["head_dim"],
            q_proj=linear("q_proj", size["embed_dim"], size["num_heads"] * size["head_dim"]),
            k_proj=linear("k_proj", size["embed_dim"], size["num_kv_heads"] * size["head_dim"]),
            v_proj=linear("v_proj", size["embed_dim"], size["num_kv_heads"] * size["head_dim"]),
            output_proj=linear("output_proj", size["num_heads"] * size["head_dim"], size["embed_dim"]),
            pos_embeddings=None,
            q_norm=NormThenRope(size["head_dim"], size["norm_eps"], rope),
            k_norm=NormThenRope(size["head_dim"], size["norm_eps"], rope),
            max_seq_len=size["max_seq_len"],
        )
        mlp = FeedForward(
            gate_proj=linear("gate_proj", size["embed_dim"], size["intermediate_dim"]),
            up_proj=linear("up_proj", size["embed_dim"], size["intermediate_dim"]),
            down_proj=linear("down_proj", size["intermediate_dim"], size["embed_dim"]),
        )
        return TransformerSelfAttentionLayer(
            attn=attention,
            mlp=mlp,
            sa_norm=RMSNorm(size["embed_dim"], eps=size["norm_eps"]),
            mlp_norm=RMSNorm(size["embed_dim"], eps=size["norm_eps"]),
        )

    embeddings = nn.Embedding(size["vocab_size"], size["embed_dim"])
    return TransformerDecoder(
        tok_embeddings=embeddings,
        layers=nn.ModuleList(layer() for _ in range(size["num_layers"])),
        max_seq_len=size["max_seq_len"],
        num_heads=size["num_heads"],
        head_dim=size["head_dim"],
        norm=RMSNorm(size["embed_dim"], eps=size["norm_eps"]),
        output=TiedLinear(embeddings)
        if size["tie_word_embeddings"]
        else nn.Linear(size["embed_dim"], size["vocab_size"], bias=False),
    )
