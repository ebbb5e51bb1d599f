#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_format.sh ROOT: every source is as clang-format 14 writes it. Exit code 77 where it is absent:
# other versions write some lines in another way.
set -eu
cd "$1"

for name in clang-format-14 clang-format; do
    if "$name" --version 2>/dev/null | grep -q 'version 14\.'; then
        find common recipes kernels checkpoint slurm mpi_runtime cli tests bench -type f \
            \( -name '*.h' -o -name '*.cpp' -o -name '*.cuh' -o -name '*.cu' \) -print0 |
            xargs -0 "$name" --dry-run -Werror
        exit
    fi
done
echo "clang-format 14 is not installed"
exit 77
