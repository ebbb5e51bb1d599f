#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The decoding of `r1_bench_gpu decode` in PyTorch; prints lines of JSON as that does.

usage: pytorch_decode.py [--tiny] [--device cpu]

Weights and a static cache in bf16; the whole step (model, sampling, the next token and position) is
compiled and captured in a CUDA graph, so that the host asks for one launch a token. Grouped-query
attention twice: by scaled_dot_product_attention with the heads of a group as rows of one query, so that
no key is copied, and by two batched products with a softmax between; the faster one counts, and makes the
longer context of the same batch alone, as compiling takes most of the time. The cache
holds random numbers instead of a prefilled prompt, which changes no step's work. Sampled by the Gumbel
maximum at temperature 1, as torch.multinomial waits for the host.
"""
import argparse
import json
import time

import torch
from torch.nn import functional

import pytorch_model

# batch, tokens of the prompt, tokens that are drawn
CASES = [(1, 1024, 256), (1, 4096, 256), (256, 1024, 256), (256, 4096, 128)]
TINY_CASES = [(1, 8, 2), (3, 8, 2)]


def by_sdpa(query, key, value, mask):
    return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)


def by_products(query, key, value, mask):
    scores = (query @ key.transpose(-1, -2)).float() * query.shape[-1] ** -0.5
    return scores.masked_fill(~mask, float("-inf")).softmax(-1).to(query.dtype) @ value


class Decoder:
    """One step for sequences that are all at the same position."""

    def __init__(self, model, cases, device, attention):
        batch, prompt, drawn = cases
        shape = model.shape
        self.model, self.attention, self.device = model, attention, device
        # What the kernels read is a multiple of 64 tokens, as pages are.
        self.room = (prompt + drawn + 63) // 64 * 64
        size = (shape.layers, batch, shape.kv_heads, self.room, shape.head_dim)
        self.keys = torch.randn(size, dtype=torch.bfloat16, device=device)
        self.values = torch.randn(size, dtype=torch.bfloat16, device=device)
        self.tokens = torch.zeros(batch, 1, dtype=torch.int64, device=device)
        self.position = torch.full((1,), prompt, device=device)
        self.places = torch.arange(self.room, device=device)
        self.cos, self.sin = pytorch_model.rotary_table(shape, self.room, device)
        self.prompt = prompt

    def attend(self, layer, mask):
        def cached(query, key, value):
            self.keys[layer].index_copy_(2, self.position, key)
            self.values[layer].index_copy_(2, self.position, value)
            batch, heads, _, width = query.shape
            grouped = query.reshape(batch, key.shape[1], heads // key.shape[1], width)
            mixed = self.attention(grouped, self.keys[layer], self.values[layer], mask)
            return mixed.reshape(batch, heads, 1, width)
        return cached

    def step(self):
        mask = (self.places <= self.position).view(1, 1, 1, -1)
        cos, sin = self.cos[self.position], self.sin[self.position]
        attends = [self.attend(layer, mask) for layer in range(len(self.model.blocks))]
        hidden = self.model.hidden(self.tokens, cos, sin, attends)
        logits = self.model.head(hidden)[:, 0].float()
        noise = torch.empty_like(logits).exponential_(1)
        self.tokens.copy_((logits.softmax(-1) / noise).argmax(-1, keepdim=True))
        self.position.add_(1)


def seconds_of_step(decoder, steps):
    """Captured once; replayed from the prompt's end. Without CUDA: as it is."""
    if decoder.device != "cuda":
        begin = time.perf_counter()
        for _ in range(steps):
            decoder.step()
        return (time.perf_counter() - begin) / steps
    step = torch.compile(decoder.step)
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    best = float("inf")
    for _ in range(4):
        decoder.position.fill_(decoder.prompt)
        torch.cuda.synchronize()
        begin = time.perf_counter()
        for _ in range(steps):
            graph.replay()
        torch.cuda.synchronize()
        best = min(best, (time.perf_counter() - begin) / steps)
    return best


def measure(model, case, device, attentions):
    """Prints the figure of the fastest of the attentions, and returns it."""
    batch, prompt, drawn = case
    times = {}
    for attention in attentions:
        try:
            times[attention] = seconds_of_step(Decoder(model, case, device, attention), drawn)
        except torch.cuda.OutOfMemoryError:
            print(json.dumps({"note": f"{batch}x{prompt} {attention.__name__}: out of memory"}))
        torch.compiler.reset()
        if device == "cuda":
            torch.cuda.empty_cache()
    if not times:
        return None
    fastest = min(times, key=times.get)
    print(json.dumps({"name": f"pytorch.decode.{batch}x{prompt}",
                      "figure": batch / times[fastest], "unit": "tokens/s",
                      "note": fastest.__name__}), flush=True)
    return fastest


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tiny", action="store_true")
    parser.add_argument("--device", default="cuda")
    arguments = parser.parse_args()
    shape = pytorch_model.TINY if arguments.tiny else pytorch_model.QWEN2_1_5B
    torch.manual_seed(1)
    with torch.device(arguments.device):
        model = pytorch_model.Model(shape).initialise().to(torch.bfloat16)
    chosen = {}
    for case in TINY_CASES if arguments.tiny else CASES:
        attentions = [chosen[case[0]]] if chosen.get(case[0]) else [by_sdpa, by_products]
        chosen[case[0]] = measure(model, case, arguments.device, attentions)


if __name__ == "__main__":
    main()
