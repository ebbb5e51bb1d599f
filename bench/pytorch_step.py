#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The training step of r1_bench_train_step in PyTorch eager, on one thread.

usage: pytorch_step.py PROBLEM STEPS   (PROBLEM: from r1_bench_train_step --write)

Written for speed: fused q|k|v and gate|up products, a causal mask and rotary angles computed once,
the output projection only at the tokens in the loss. Sequences are padded, as is usual there.
"""
import json
import pathlib
import sys
import time

import torch
from torch.nn import functional


class Model:
    def __init__(self, problem, width):
        self.heads, self.layers = problem["heads"], problem["layers"]
        self.eps = problem["rms_norm_eps"]
        tensors = {name: torch.tensor(item["values"]).reshape(item["shape"])
                   for name, item in problem["parameters"].items()}
        self.weights = {}
        for i in range(self.layers):
            at = f"model.layers.{i}."
            for fused, parts in (("self_attn.qkv", ["self_attn.q_proj", "self_attn.k_proj",
                                                    "self_attn.v_proj"]),
                                 ("mlp.gate_up", ["mlp.gate_proj", "mlp.up_proj"])):
                joined = torch.cat([tensors.pop(f"{at}{part}.weight") for part in parts])
                tensors[f"{at}{fused}.weight"] = joined
        for name, tensor in tensors.items():
            self.weights[name] = tensor.contiguous().requires_grad_()
        self.head_dim = self.weights["model.embed_tokens.weight"].shape[1] // self.heads
        steps = torch.arange(0, self.head_dim, 2) / self.head_dim
        angles = torch.outer(torch.arange(width), problem["rope_theta"] ** -steps)
        self.cos, self.sin = angles.cos(), angles.sin()
        self.mask = torch.full((width, width), float("-inf")).triu(1)

    def norm(self, x, name):
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps) * self.weights[name]

    def rotate(self, x):
        a, b = x.chunk(2, dim=-1)
        return torch.cat([a * self.cos - b * self.sin, b * self.cos + a * self.sin], dim=-1)

    def attention(self, x, at):
        count, width, hidden = x.shape
        qkv = functional.linear(x, self.weights[at + "self_attn.qkv.weight"])
        qkv = qkv.view(count, width, 3, self.heads, self.head_dim).permute(2, 0, 3, 1, 4)
        query, key = self.rotate(qkv[0]), self.rotate(qkv[1])
        scores = query @ key.transpose(-1, -2) * self.head_dim ** -0.5 + self.mask
        mixed = (scores.softmax(-1) @ qkv[2]).transpose(1, 2).reshape(count, width, hidden)
        return functional.linear(mixed, self.weights[at + "self_attn.o_proj.weight"])

    def logits(self, tokens, chosen):
        x = functional.embedding(tokens, self.weights["model.embed_tokens.weight"])
        for i in range(self.layers):
            at = f"model.layers.{i}."
            x = x + self.attention(self.norm(x, at + "input_layernorm.weight"), at)
            wide = functional.linear(self.norm(x, at + "post_attention_layernorm.weight"),
                                     self.weights[at + "mlp.gate_up.weight"])
            gate, up = wide.chunk(2, dim=-1)
            x = x + functional.linear(functional.silu(gate) * up,
                                      self.weights[at + "mlp.down_proj.weight"])
        return functional.linear(self.norm(x[chosen], "model.norm.weight"),
                                 self.weights["lm_head.weight"])


def main():
    torch.set_num_threads(1)
    problem = json.loads(pathlib.Path(sys.argv[1]).read_text())
    sequences = problem["sequences"]
    width = max(len(s["prompt"]) + len(s["completion"]) for s in sequences) - 1
    tokens = torch.zeros(len(sequences), width, dtype=torch.int64)
    labels = torch.zeros_like(tokens)
    chosen = torch.zeros_like(tokens, dtype=torch.bool)
    for row, sequence in enumerate(sequences):
        full = torch.tensor(sequence["prompt"] + sequence["completion"])
        length = len(full) - 1
        tokens[row, :length], labels[row, :length] = full[:-1], full[1:]
        chosen[row, len(sequence["prompt"]) - 1:length] = True
    rows = sum(len(s["prompt"]) + len(s["completion"]) - 1 for s in sequences)
    model, targets = Model(problem, width), labels[chosen]
    parameters = list(model.weights.values())
    optimizer = torch.optim.AdamW(parameters, lr=problem["learning_rate"], betas=(0.9, 0.95),
                                  eps=1e-8, weight_decay=0.01)
    losses, seconds, cpu_seconds = [], [], []
    for _ in range(int(sys.argv[2])):
        begin, cpu_begin = time.perf_counter(), time.process_time()
        optimizer.zero_grad(set_to_none=True)
        loss = functional.cross_entropy(model.logits(tokens, chosen), targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        losses.append(loss.item())
        seconds.append(time.perf_counter() - begin)
        cpu_seconds.append(time.process_time() - cpu_begin)
    maps = pathlib.Path("/proc/self/maps")
    loaded = maps.read_text() if maps.exists() else ""
    blas = next((name for name in ("mkl", "openblas") if name in loaded), "unknown BLAS")
    print(json.dumps({"tokens": rows, "losses": losses, "seconds": seconds,
                      "cpu_seconds": cpu_seconds,
                      "backend": f"PyTorch {torch.__version__}, {blas}"}))


if __name__ == "__main__":
    main()
