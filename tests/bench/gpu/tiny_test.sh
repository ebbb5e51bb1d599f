#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# tiny_test.sh FOLDER BUILD: every benchmark of FOLDER once, with tiny shapes on a CPU, and a line of each
# in the table. Scripts in PyTorch run where it is; elsewhere they are at least compiled.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PYTHONPYCACHEPREFIX=$work/cache
python=${PYTHON:-python3}
"$python" -m py_compile "$1"/*.py
"$1/run" --no-build --folder "$2" --python "$python" --tiny-on-cpu >"$work/out" 2>&1 || {
    cat "$work/out"
    exit 1
}
wanted=(limits.bandwidth limits.matrix_rate training.tokens training.flops training.recompute.flops decode.1x8
    decode.3x8.steps grpo_step.rollout grpo_step.probability_difference kernel.attention_backward.4x4 kernel.adamw
    product.head.backward_weight loss_curve.bf16.largest_difference)
if "$python" -c 'import torch' 2>/dev/null; then
    wanted+=(pytorch.training.tokens pytorch.decode.3x8 pytorch.curve.gpu_fp32.largest_difference)
fi
for name in "${wanted[@]}"; do
    grep -q "^$name " "$work/out" || { echo "FAILED: no line of $name in:"; cat "$work/out"; exit 1; }
done
