#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that check_layers.sh lets a good tree pass and finds each kind of wrong arrow in a bad one.
set -eu
checker=$(cd "$(dirname "$0")" && pwd)/check_layers.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

# plant FILE LINE: a file with one line in it.
plant() {
    mkdir -p "$tree/$(dirname "$1")"
    printf '%s\n' "$2" >"$tree/$1"
}

plant common/a.cpp '#include "common/a.h"'
plant common/log.cpp '#include <spdlog/spdlog.h>'
plant slurm/a.cpp '#include "checkpoint/a.h"'
plant mpi_runtime/main.cpp '#include "mpi_runtime/trainer/loop.h"'
plant mpi_runtime/model/a.h '#include "mpi_runtime/comm/communicator.h"'
plant mpi_runtime/comm/mpi_check.h '#include <mpi.h>'
plant mpi_runtime/comm/cuda/nccl_library.h '#include <nccl.h>'
plant checkpoint/hdf5_handle.h '#include <hdf5.h>'
plant cli/verb.h '#include <CLI/CLI.hpp>'
plant kernels/cuda/check.h '#include <cuda_runtime.h>'
if ! sh "$checker" "$tree"; then
    echo "FAILED: the good tree did not pass" >&2
    exit 1
fi

# refused FILE LINE REASON: with this file the check fails, and names the file and the reason.
refused() {
    plant "$1" "$2"
    if found=$(sh "$checker" "$tree"); then
        echo "FAILED: $2 in $1 passed" >&2
        exit 1
    fi
    if [ "$found" != "$1:1: $3" ]; then
        printf 'FAILED: %s in %s gave\n%s\n' "$2" "$1" "$found" >&2
        exit 1
    fi
    rm "$tree/$1"
}

late='mpi_runtime goes comm, store, tokenizer, reward, model, rollout, trainer;'
shows='; include it in the .cpp and declare forward what is needed'
refused common/bad.cpp '#include "recipes/recipe.h"' 'common may not use recipes ("recipes/recipe.h")'
refused slurm/bad.cpp '#include "mpi_runtime/reward/task.h"' \
    'slurm may not use mpi_runtime ("mpi_runtime/reward/task.h")'
refused mpi_runtime/trainer/bad.cpp '  #  include "slurm/plan.h"' \
    'mpi_runtime may not use slurm ("slurm/plan.h")'
refused cli/bad.cpp '#include "kernels/backend.h"' 'cli may not use kernels ("kernels/backend.h")'
refused kernels/cuda/bad.cu '#include "checkpoint/a.h"' 'kernels may not use checkpoint ("checkpoint/a.h")'
refused mpi_runtime/comm/bad.h '#include "mpi_runtime/model/a.h"' \
    "$late \"mpi_runtime/model/a.h\" comes after this file"
refused mpi_runtime/trainer/bad.h '#include "mpi_runtime/main.h"' \
    "$late \"mpi_runtime/main.h\" comes after this file"
refused slurm/bad.h '#include "plan.h"' \
    '"plan.h" does not begin with a module; write the path from the root'
refused mpi_runtime/comm/bad.h '#include <mpi.h>' "a header shows <mpi.h>$shows"
refused mpi_runtime/comm/mpi_check.h '#include <nccl.h>' "a header shows <nccl.h>$shows"
refused mpi_runtime/comm/cuda/bad.h '#include <nccl.h>' "a header shows <nccl.h>$shows"
refused checkpoint/bad.h '#include "hdf5.h"' "a header shows <hdf5.h>$shows"
refused kernels/bad.h '#include <cuda_runtime.h>' "a header shows <cuda_runtime.h>$shows"
refused common/bad.h '#include <spdlog/spdlog.h>' "a header shows <spdlog/spdlog.h>$shows"
refused common/bad.h '#include <fmt/format.h>' "a header shows <fmt/format.h>$shows"
refused recipes/bad.h '#include <yaml-cpp/yaml.h>' "a header shows <yaml-cpp/yaml.h>$shows"
refused slurm/bad.h '#include <CLI/CLI.hpp>' "a header shows <CLI/CLI.hpp>$shows"
