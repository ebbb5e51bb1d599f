#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The training step of `r1_bench_gpu training` in PyTorch; prints lines of JSON as that does.

usage: pytorch_train.py [--tiny] [--device cpu]

torch.compile over forward pass and loss, scaled_dot_product_attention with is_causal, bf16 by autocast
over fp32 masters, fused AdamW, clipping by norm. The cross-entropy is not chunked: its logits fit, and
the compiler fuses it. No activation is computed again unless the compiler chooses to. Falls back to
fewer sequences at a time (gradients are accumulated) when memory does not suffice, and says so.
"""
import argparse
import json
import statistics
import time

import torch
from torch.nn import functional

import pytorch_model


def settings(tiny):
    return (pytorch_model.TINY, 2, 8, 1) if tiny else (pytorch_model.QWEN2_1_5B, 4, 4096, 5)


def finish(device):
    if device == "cuda":
        torch.cuda.synchronize()


class Trainer:
    def __init__(self, shape, sequences, rows, device, compiled):
        torch.manual_seed(1)
        with torch.device(device):
            self.model = pytorch_model.Model(shape).initialise()
        self.model.stream = torch.bfloat16  # as ours; autocast alone would keep it in fp32
        self.tokens = torch.randint(shape.vocabulary, (sequences, rows + 1), device=device)
        self.cos, self.sin = pytorch_model.rotary_table(shape, rows, device)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-5, betas=(0.9, 0.95),
                                           eps=1e-8, weight_decay=0.01, fused=device == "cuda")
        self.device = device
        self.loss = torch.compile(self.plain_loss) if compiled else self.plain_loss

    def plain_loss(self, tokens):
        logits = self.model(tokens[:, :-1], self.cos, self.sin)
        return functional.cross_entropy(logits.flatten(0, 1).float(), tokens[:, 1:].flatten(),
                                        reduction="sum")

    def step(self, at_once):
        self.optimizer.zero_grad(set_to_none=True)
        count = self.tokens[:, 1:].numel()
        total = 0.0
        for part in self.tokens.split(at_once):
            with torch.autocast(self.device, dtype=torch.bfloat16):
                loss = self.loss(part) / count
            loss.backward()
            total += loss.detach()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        return float(total)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--device", default="cuda")
    arguments = parser.parse_args()
    shape, sequences, rows, steps = settings(arguments.tiny)
    torch.set_float32_matmul_precision("high")
    trainer = Trainer(shape, sequences, rows, arguments.device, arguments.device == "cuda")
    at_once = sequences
    while True:
        try:
            for _ in range(3):
                trainer.step(at_once)
            break
        except torch.cuda.OutOfMemoryError:
            if at_once == 1:
                raise
            at_once //= 2
            trainer.optimizer.zero_grad(set_to_none=True)
            torch.cuda.empty_cache()
    seconds = []
    for _ in range(steps):
        finish(arguments.device)
        begin = time.perf_counter()
        trainer.step(at_once)
        finish(arguments.device)
        seconds.append(time.perf_counter() - begin)
    step = statistics.median(seconds)
    tokens = sequences * rows
    flops = tokens * (6 * shape.matrix_entries()
                      + 6 * shape.layers * rows * shape.heads * shape.head_dim)
    figures = [("pytorch.training.tokens", tokens / step, "tokens/s"),
               ("pytorch.training.flops", flops / step, "FLOP/s"),
               ("pytorch.training.sequences_at_once", at_once, "")]
    if arguments.device == "cuda":
        figures.append(("pytorch.training.memory", torch.cuda.max_memory_reserved(), "B"))
    for name, figure, unit in figures:
        print(json.dumps({"name": name, "figure": figure, "unit": unit}))


if __name__ == "__main__":
    main()
