# SPDX-License-Identifier: Apache-2.0
"""Qwen2 (RMS norm, rotary angles, grouped-query attention with biases, SwiGLU) plainly in torch.nn."""
import dataclasses

import torch
from torch import nn
from torch.nn import functional


@dataclasses.dataclass
class Shape:
    hidden: int
    intermediate: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int
    eps: float = 1e-6
    theta: float = 1e6
    bias: bool = True
    tied: bool = True

    def matrix_entries(self):
        """As matrix_entries() of bench/gpu/work.h."""
        width = self.heads * self.head_dim
        qkv = width + 2 * self.kv_heads * self.head_dim
        layer = self.hidden * (qkv + width + 3 * self.intermediate)
        return self.layers * layer + self.hidden * self.vocabulary


QWEN2_1_5B = Shape(1536, 8960, 28, 12, 2, 128, 151936)
TINY = Shape(64, 96, 2, 4, 2, 16, 64)


class Norm(nn.Module):
    def __init__(self, width, eps):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.eps = eps

    def forward(self, x):
        wide = x.float()
        wide = wide * torch.rsqrt(wide.square().mean(-1, keepdim=True) + self.eps)
        return (wide * self.weight.float()).to(x.dtype)


def rotary_table(shape, positions, device):
    steps = torch.arange(0, shape.head_dim, 2, device=device) / shape.head_dim
    angles = torch.outer(torch.arange(positions, device=device).float(), shape.theta ** -steps)
    return torch.cat([angles, angles], -1).cos(), torch.cat([angles, angles], -1).sin()


def rotate(x, cos, sin):
    """x[batch, heads, tokens, head_dim] by the tables' rows, in the half-split layout."""
    first, second = x.chunk(2, dim=-1)
    return (x * cos + torch.cat([-second, first], -1) * sin).to(x.dtype)


class Block(nn.Module):
    """`attend(query, key, value)` takes and returns [batch, heads, tokens, head_dim]."""

    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        width, kv = shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
        self.split = (width, kv, kv)
        self.norm1 = Norm(shape.hidden, shape.eps)
        self.qkv = nn.Linear(shape.hidden, width + 2 * kv, bias=shape.bias)
        self.output = nn.Linear(width, shape.hidden, bias=False)
        self.norm2 = Norm(shape.hidden, shape.eps)
        self.gate_up = nn.Linear(shape.hidden, 2 * shape.intermediate, bias=False)
        self.down = nn.Linear(shape.intermediate, shape.hidden, bias=False)

    def forward(self, x, cos, sin, attend):
        batch, tokens, _ = x.shape
        query, key, value = (part.view(batch, tokens, -1, self.shape.head_dim).transpose(1, 2)
                             for part in self.qkv(self.norm1(x)).split(self.split, -1))
        mixed = attend(rotate(query, cos, sin), rotate(key, cos, sin), value)
        x = x + self.output(mixed.transpose(1, 2).reshape(batch, tokens, -1))
        gate, up = self.gate_up(self.norm2(x)).chunk(2, -1)
        return x + self.down(functional.silu(gate) * up)


def causal(query, key, value):
    if key.shape[1] == query.shape[1]:
        return functional.scaled_dot_product_attention(query, key, value, is_causal=True)
    return functional.scaled_dot_product_attention(query, key, value, is_causal=True,
                                                   enable_gqa=True)


class Model(nn.Module):
    def __init__(self, shape):
        super().__init__()
        self.shape = shape
        self.stream = None  # of the residual stream; None: of the embedding
        self.embedding = nn.Embedding(shape.vocabulary, shape.hidden)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.layers))
        self.norm = Norm(shape.hidden, shape.eps)
        self.head = nn.Linear(shape.hidden, shape.vocabulary, bias=False)
        if shape.tied:
            self.head.weight = self.embedding.weight

    def initialise(self, deviation=0.02):
        for parameter in self.parameters():
            if parameter.dim() > 1:
                nn.init.normal_(parameter, std=deviation)
            elif parameter.shape[0] != self.shape.hidden:
                nn.init.zeros_(parameter)
        return self

    def hidden(self, tokens, cos, sin, attends):
        x = self.embedding(tokens).to(self.stream)
        for block, attend in zip(self.blocks, attends):
            x = block(x, cos, sin, attend)
        return self.norm(x)

    def forward(self, tokens, cos, sin):
        return self.head(self.hidden(tokens, cos, sin, [causal] * len(self.blocks)))
