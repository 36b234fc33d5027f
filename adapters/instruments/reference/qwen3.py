"""Qwen3 in plain PyTorch, its parameters named as in a transformers checkpoint (and LoRA's as peft saves them)."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from harness.job.job import Job, projection_sizes


class Linear(nn.Module):
    """A linear layer without bias, with LoRA if the job puts it there."""

    def __init__(self, job: Job, name: str) -> None:
        super().__init__()
        inputs, outputs = projection_sizes(job.shape)[name]
        self.weight = nn.Parameter(torch.empty(outputs, inputs))
        self.has_lora = job.uses_lora and name in job.target_modules
        if self.has_lora:
            self.scaling = job.lora_alpha / job.lora_rank
            self.dropout = nn.Dropout(job.lora_dropout)
            self.lora_A = nn.Linear(inputs, job.lora_rank, bias=False)
            self.lora_B = nn.Linear(job.lora_rank, outputs, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out = self.base(x)
        if self.has_lora:
            out = out + self.lora_B(self.lora_A(self.dropout(x))) * self.scaling
        return out

    def base(self, x: torch.Tensor) -> torch.Tensor:
        """The layer without LoRA."""
        return functional.linear(x, self.weight)


class RMSNorm(nn.Module):
    """Root-mean-square norm over the last dimension, in fp32."""

    def __init__(self, size: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(size))
        self.epsilon = epsilon

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        wide = x.float()
        normed = wide * torch.rsqrt(wide.pow(2).mean(-1, keepdim=True) + self.epsilon)
        return self.weight * normed.to(x.dtype)


class Attention(nn.Module):
    """Grouped-query attention. Queries and keys are normed per head, then rotated."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        shape = job.shape
        self.heads, self.kv_heads, self.head_dim = shape.num_attention_heads, shape.num_key_value_heads, shape.head_dim
        self.q_proj, self.k_proj = Linear(job, "q_proj"), Linear(job, "k_proj")
        self.v_proj, self.o_proj = Linear(job, "v_proj"), Linear(job, "o_proj")
        self.q_norm = RMSNorm(shape.head_dim, shape.rms_norm_eps)
        self.k_norm = RMSNorm(shape.head_dim, shape.rms_norm_eps)
        self.eager = job.attention == "eager"

    def forward(self, x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
        batch, length, _ = x.shape
        query = self.q_norm(self.q_proj(x).view(batch, length, self.heads, self.head_dim)).transpose(1, 2)
        key = self.k_norm(self.k_proj(x).view(batch, length, self.kv_heads, self.head_dim)).transpose(1, 2)
        value = self.v_proj(x).view(batch, length, self.kv_heads, self.head_dim).transpose(1, 2)
        query, key = turned(query, cosine, sine), turned(key, cosine, sine)
        groups = self.heads // self.kv_heads
        key, value = key.repeat_interleave(groups, dim=1), value.repeat_interleave(groups, dim=1)
        if self.eager:
            scores = query @ key.transpose(2, 3) * self.head_dim**-0.5
            future = torch.ones(length, length, dtype=torch.bool, device=x.device).triu(1)
            weights = scores.masked_fill(future, torch.finfo(scores.dtype).min).softmax(-1, torch.float32)
            mixed = weights.to(value.dtype) @ value
        else:
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        out: torch.Tensor = self.o_proj(mixed.transpose(1, 2).reshape(batch, length, -1))
        return out


class Mlp(nn.Module):
    """The gated feed-forward layer."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.gate_proj, self.up_proj = Linear(job, "gate_proj"), Linear(job, "up_proj")
        self.down_proj = Linear(job, "down_proj")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.down_proj(functional.silu(self.gate_proj(x)) * self.up_proj(x))
        return out


class Layer(nn.Module):
    """One decoder layer."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        shape = job.shape
        self.self_attn, self.mlp = Attention(job), Mlp(job)
        self.input_layernorm = RMSNorm(shape.hidden_size, shape.rms_norm_eps)
        self.post_attention_layernorm = RMSNorm(shape.hidden_size, shape.rms_norm_eps)

    def forward(self, x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
        x = x + self.self_attn(self.input_layernorm(x), cosine, sine)
        return x + self.mlp(self.post_attention_layernorm(x))


class Decoder(nn.Module):
    """Everything but the output layer."""

    def __init__(self, job: Job) -> None:
        super().__init__()
        shape = job.shape
        self.embed_tokens = nn.Embedding(shape.vocab_size, shape.hidden_size)
        self.layers = nn.ModuleList(Layer(job) for _ in range(shape.num_hidden_layers))
        self.norm = RMSNorm(shape.hidden_size, shape.rms_norm_eps)


class Qwen3(nn.Module):
    """Token ids [batch, length] -> what the output layer reads, [batch, length, hidden].

    `recompute`: keep only each layer's input, and compute the rest again for the backward pass.
    """

    def __init__(self, job: Job) -> None:
        super().__init__()
        self.job = job
        self.model = Decoder(job)
        self.lm_head = (
            None
            if job.shape.tie_word_embeddings
            else nn.Linear(job.shape.hidden_size, job.shape.vocab_size, bias=False)
        )

    @property
    def output_weight(self) -> torch.Tensor:
        """The output layer's weight, [vocabulary, hidden]: the embeddings if they are tied."""
        return self.model.embed_tokens.weight if self.lm_head is None else self.lm_head.weight

    def forward(self, tokens: torch.Tensor, *, recompute: bool) -> torch.Tensor:
        x = self.model.embed_tokens(tokens)
        cosine, sine = rotations(self.job, tokens.shape[1], x)
        for layer in self.model.layers:
            x = checkpoint(layer, x, cosine, sine, use_reentrant=False) if recompute else layer(x, cosine, sine)
        normed: torch.Tensor = self.model.norm(x)
        return normed


def rotations(job: Job, length: int, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return cosine and sine of each position's angles, [length, head_dim], computed in fp32."""
    size = job.shape.head_dim
    exponents = torch.arange(0, size, 2, dtype=torch.float32, device=like.device) / size
    angles = torch.outer(torch.arange(length, device=like.device).float(), job.shape.rope_theta**-exponents)
    both = torch.cat((angles, angles), dim=-1)
    return both.cos().to(like.dtype), both.sin().to(like.dtype)


def turned(x: torch.Tensor, cosine: torch.Tensor, sine: torch.Tensor) -> torch.Tensor:
    """Return the rotary embedding of [batch, heads, length, head_dim]. A pair is one number of each half of a head."""
    first, second = x.chunk(2, dim=-1)
    return x * cosine + torch.cat((-second, first), dim=-1) * sine


def load(model: Qwen3, weights: dict[str, Any]) -> None:
    """Load a checkpoint's tensors; every parameter must be there. A tied output layer in the file is ignored."""
    ignored = {"lm_head.weight"} if model.lm_head is None else set()
    loaded = model.load_state_dict({k: v for k, v in weights.items() if k not in ignored}, strict=False, assign=True)
    if loaded.missing_keys or loaded.unexpected_keys:
        raise ValueError(f"the checkpoint does not fit: {(loaded.missing_keys + loaded.unexpected_keys)[:3]}")
