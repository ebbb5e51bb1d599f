#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run_test.sh FOLDER: proves what FOLDER/run prints and returns, with a program and a Python that say what
# those on a machine with a GPU would.
set -euo pipefail
run=$1/run
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder=$work/build
mkdir -p "$folder/bench/gpu"

# program LINE…: the benchmark, as a script that has its words in $@.
program() {
    { echo '#!/bin/bash'; printf '%s\n' "$@"; } >"$folder/bench/gpu/r1_bench_gpu"
    chmod +x "$folder/bench/gpu/r1_bench_gpu"
}
# python LINE…: as above; it has PyTorch when it ends with 0 on "-c import torch".
python() {
    { echo '#!/bin/bash'; printf '%s\n' "$@"; } >"$work/python"
    chmod +x "$work/python"
}

# expect CODE PATTERN… -- WORD…: runs it, wants the code, and a line for each pattern ("!": none).
expect() {
    local code=$1 patterns=() status=0
    shift
    while [ "$1" != -- ]; do patterns+=("$1"); shift; done
    shift
    "$run" --no-build --folder "$folder" --python "$work/python" "$@" >"$work/out" 2>&1 || status=$?
    for pattern in "${patterns[@]}"; do
        if [ "${pattern:0:1}" = "!" ]; then
            ! grep -Eq -- "${pattern:1}" "$work/out" || { echo "FAILED: a line '$pattern' in:"; cat "$work/out"; exit 1; }
        else
            grep -Eq -- "$pattern" "$work/out" || { echo "FAILED: no line '$pattern' in:"; cat "$work/out"; exit 1; }
        fi
    done
    [ "$status" -eq "$code" ] || { echo "FAILED: exit code $status, not $code:"; cat "$work/out"; exit 1; }
}

python 'exit 1'
expect 2 'holds no build' --
program 'echo "NOTHING RAN: no GPU is here" >&2; exit 3'
expect 3 '^NOTHING RAN: no GPU is here$' --

# shellcheck disable=SC2016  # the dollars are the program's
program 'case $1 in
limits) [ $# -eq 1 ] || exit 9
    echo "{\"name\":\"limits.bandwidth\",\"figure\":4e12,\"unit\":\"B/s\"}"
    echo "{\"name\":\"limits.matrix_rate\",\"figure\":7.5e14,\"unit\":\"FLOP/s\"}" ;;
training) [ "$*" = "training --bandwidth 4e12 --rate 7.5e14" ] || exit 9
    echo "{\"name\":\"training.tokens\",\"figure\":30000,\"unit\":\"tokens/s\"}"
    echo "{\"name\":\"training.flops\",\"figure\":3.75e14,\"unit\":\"FLOP/s\",\"against\":\"measured matrix rate\",\"limit\":7.5e14,\"ratio\":0.5,\"target\":0.5}" ;;
decode) echo "{\"name\":\"decode.1x8\",\"figure\":700,\"unit\":\"tokens/s\"}"; sleep 60 ;;
grpo_step) echo "why it failed" >&2; exit 4 ;;
loss_curve) [ "$6" = --folder ] || exit 9; mkdir -p "$7"; touch "$7/problem.json" ;;
esac'
expect 0 '^training\.tokens +30 +ktokens/s$' '!decode' '!grpo' \
    '^training\.flops +375 +TFLOP/s +measured matrix rate +750 TFLOP/s +0\.500 +>= 0\.50$' -- --only training
expect 0 '^pytorch_train +not run: .* has no torch$' -- --only pytorch_train
expect 1 'why it failed' '^grpo_step +failed with exit code 4$' -- --only grpo_step --only training
expect 1 '^decode\.1x8 +700 +tokens/s$' '^decode +ended: it took more than its time$' \
    '^grpo_step +not run: the 2 s of all parts are used up$' -- --time-limit 2 --only decode --only grpo_step

# shellcheck disable=SC2016
python '[ "$1" != -c ] || exit 0
case $1 in
*pytorch_train.py) echo "{\"name\":\"pytorch.training.tokens\",\"figure\":20000,\"unit\":\"tokens/s\"}" ;;
*pytorch_curve.py) [ -f "$2/problem.json" ] ;;
esac'
expect 0 '^training\.tokens +30 +ktokens/s +PyTorch +20 ktokens/s +1\.500 +> 1\.00$' -- \
    --only training --only pytorch_train --json "$work/json"
grep -q '^{"date": "20..-..-..", "device": ' "$work/json"
grep -q '^{"name":"pytorch.training.tokens"' "$work/json"
expect 0 '^limits\.bandwidth +4 +TB/s' '!failed' -- --only pytorch_curve

expect 2 "unknown word '--fast'" -- --fast
expect 2 "there is no part 'all'" -- --only all
