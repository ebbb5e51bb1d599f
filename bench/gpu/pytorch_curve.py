#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The steps of `r1_bench_gpu loss_curve` in PyTorch, in fp32 and in bf16 autocast over fp32 masters.

usage: pytorch_curve.py FOLDER [--device cpu]

FOLDER holds problem.json and curves.json of that program; adds PyTorch's curves to
FOLDER/pytorch_curves.json, and prints lines of JSON: how far the curves of the same precision differ.
Sequences are padded; the loss is the mean over the completions' tokens.
"""
import argparse
import json
import pathlib

import torch
from torch.nn import functional

import pytorch_model

PROJECTIONS = ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]


def shape_of(problem):
    tensors = {name: item["shape"] for name, item in problem["parameters"].items()}
    vocabulary, hidden = tensors["model.embed_tokens.weight"]
    heads = problem["heads"]
    return pytorch_model.Shape(
        hidden, tensors["model.layers.0.mlp.gate_proj.weight"][0], problem["layers"], heads, heads,
        hidden // heads, vocabulary, problem["rms_norm_eps"], problem["rope_theta"], bias=False,
        tied="lm_head.weight" not in tensors)


def load(problem, shape, device):
    tensors = {name: torch.tensor(item["values"]).reshape(item["shape"])
               for name, item in problem["parameters"].items()}
    state = {"embedding.weight": tensors["model.embed_tokens.weight"],
             "norm.weight": tensors["model.norm.weight"],
             "head.weight": tensors["model.embed_tokens.weight" if shape.tied
                                    else "lm_head.weight"]}
    for i in range(shape.layers):
        at, to = f"model.layers.{i}.", f"blocks.{i}."
        state[to + "norm1.weight"] = tensors[at + "input_layernorm.weight"]
        state[to + "qkv.weight"] = torch.cat([tensors[f"{at}{part}.weight"]
                                              for part in PROJECTIONS])
        state[to + "output.weight"] = tensors[at + "self_attn.o_proj.weight"]
        state[to + "norm2.weight"] = tensors[at + "post_attention_layernorm.weight"]
        state[to + "gate_up.weight"] = torch.cat([tensors[at + "mlp.gate_proj.weight"],
                                                  tensors[at + "mlp.up_proj.weight"]])
        state[to + "down.weight"] = tensors[at + "mlp.down_proj.weight"]
    model = pytorch_model.Model(shape)
    model.load_state_dict(state)
    return model.to(device)


def padded(batch, device):
    width = max(len(prompt) + len(completion) for prompt, completion in batch) - 1
    tokens = torch.zeros(len(batch), width, dtype=torch.int64)
    labels = torch.full_like(tokens, -100)
    for row, (prompt, completion) in enumerate(batch):
        full = torch.tensor(prompt + completion)
        length = len(full) - 1
        tokens[row, :length] = full[:-1]
        labels[row, len(prompt) - 1:length] = full[len(prompt):]
    return tokens.to(device), labels.to(device)


def curve_of(problem, device, bf16):
    shape = shape_of(problem)
    model = load(problem, shape, device)
    optimizer = torch.optim.AdamW(model.parameters(), betas=tuple(problem["betas"]),
                                  eps=problem["epsilon"], weight_decay=problem["weight_decay"])
    curve = []
    for batch, rate in zip(problem["steps"], problem["learning_rates"]):
        tokens, labels = padded(batch, device)
        cos, sin = pytorch_model.rotary_table(shape, tokens.shape[1], device)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device, dtype=torch.bfloat16, enabled=bf16):
            logits = model(tokens, cos, sin)
        loss = functional.cross_entropy(logits.flatten(0, 1).float(), labels.flatten())
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), problem["max_grad_norm"])
        optimizer.step()
        curve.append(loss.item())
    return curve


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--device", default="cuda")
    arguments = parser.parse_args()
    # Products in fp32 as the CPU makes them, not in TF32.
    torch.backends.cuda.matmul.allow_tf32 = False
    problem = json.loads((arguments.folder / "problem.json").read_text())
    ours = json.loads((arguments.folder / "curves.json").read_text())
    theirs = {"fp32": curve_of(problem, arguments.device, False),
              "bf16": curve_of(problem, arguments.device, True)}
    (arguments.folder / "pytorch_curves.json").write_text(json.dumps(theirs) + "\n")
    for mine, other in (("cpu_fp32", "fp32"), ("gpu_fp32", "fp32"), ("gpu_bf16", "bf16")):
        apart = [abs(a - b) for a, b in zip(ours[mine], theirs[other], strict=True)]
        for kind, value in (("largest", max(apart)), ("mean", sum(apart) / len(apart))):
            print(json.dumps({"name": f"pytorch.curve.{mine}.{kind}_difference", "figure": value,
                              "unit": "nats"}))


if __name__ == "__main__":
    main()
