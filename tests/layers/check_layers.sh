#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_layers.sh ROOT: checks every #include of the modules against the order of the layers, and keeps
# the vendors' headers out of the interfaces. Prints file:line and the reason; exit code 1 on any.
set -eu
cd "$1"

# shellcheck disable=SC2016  # the dollars are awk's
find common recipes kernels checkpoint slurm mpi_runtime cli -type f \
    \( -name '*.h' -o -name '*.cpp' -o -name '*.cuh' -o -name '*.cu' \) 2>/dev/null |
    LC_ALL=C sort | tr '\n' '\0' | xargs -0 -r awk '
BEGIN {
    # A module and what it may use, besides itself.
    uses["common"] = ""
    uses["recipes"] = "common"
    uses["kernels"] = "common"
    uses["checkpoint"] = "common"
    uses["slurm"] = "common recipes checkpoint"
    uses["mpi_runtime"] = "common recipes kernels checkpoint"
    uses["cli"] = "common recipes slurm checkpoint"
    # The parts of mpi_runtime: each may use those before it. Files of the folder itself come last.
    parts = split("comm store tokenizer reward model rollout trainer", part, " ")
    for (i = 1; i <= parts; ++i) place[part[i]] = i

    vendor = "^(mpi|nccl|hdf5|hdf5_hl|cuda|cuda_[a-z0-9_]+|cublas[A-Za-z0-9_]*|H5[A-Za-z]*)\\.h$|^(fmt|spdlog|yaml-cpp|CLI)/"
    # Private headers, and the one vendor that each is for.
    allowed["checkpoint/hdf5_handle.h"] = "^hdf5"
    allowed["mpi_runtime/comm/mpi_check.h"] = "^mpi"
    allowed["mpi_runtime/comm/cuda/nccl_library.h"] = "^nccl"
    allowed["mpi_runtime/comm/cuda/nccl_link.h"] = "^nccl"
}

function report(why) {
    printf "%s:%d: %s\n", FILENAME, FNR, why
    failed = 1
}

function place_in_runtime(path, names) {
    return split(path, names, "/") > 2 ? place[names[2]] : parts + 1
}

function check_ours(target, names, mine, theirs) {
    split(FILENAME, names, "/"); mine = names[1]
    split(target, names, "/"); theirs = names[1]
    if (!(theirs in uses))
        report("\"" target "\" does not begin with a module; write the path from the root")
    else if (theirs != mine && index(" " uses[mine] " ", " " theirs " ") == 0)
        report(mine " may not use " theirs " (\"" target "\")")
    else if (mine == "mpi_runtime" && theirs == mine &&
             place_in_runtime(target) > place_in_runtime(FILENAME))
        report("mpi_runtime goes comm, store, tokenizer, reward, model, rollout, trainer; \"" target \
               "\" comes after this file")
}

function check_vendor(target) {
    if (FILENAME !~ /\.h$/ || target !~ vendor) return
    if (FILENAME in allowed && target ~ allowed[FILENAME]) return
    if (FILENAME ~ /^cli\// && target ~ /^CLI\//) return
    if (FILENAME ~ /\/cuda\// && target ~ /^cu/) return
    report("a header shows <" target ">; include it in the .cpp and declare forward what is needed")
}

/^[ \t]*#[ \t]*include[ \t]*["<]/ {
    quoted = $0 ~ /include[ \t]*"/
    target = $0
    sub(/^[^"<]*["<]/, "", target)
    sub(/[">].*/, "", target)
    if (quoted && target !~ vendor) check_ours(target)
    check_vendor(target)
}

END { exit failed }
'
