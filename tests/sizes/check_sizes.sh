#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# check_sizes.sh ROOT EXCEPTIONS: headers up to 150 lines, sources up to 400, functions up to 60; every
# file begins with its licence. EXCEPTIONS holds lines "PATH LINES REASON"; each must still be needed.
set -eu
exceptions=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
cd "$1"

# shellcheck disable=SC2016  # the dollars are awk's
find common recipes kernels checkpoint slurm mpi_runtime cli tests bench -type f \
    \( -name '*.h' -o -name '*.cpp' -o -name '*.cuh' -o -name '*.cu' \) 2>/dev/null |
    LC_ALL=C sort | tr '\n' '\0' | xargs -0 -r -n 100000 awk -v exceptions="$exceptions" '
function report(line, why) {
    printf "%s:%d: %s\n", path, line, why
    failed = 1
}

function end_of_file(limit) {
    if (path == "") return
    limit = path ~ /\.(h|cuh)$/ ? 150 : 400
    if (path in larger) {
        if (lines <= limit) report(lines, "fits its limit now; take it off the exceptions")
        limit = larger[path]
    }
    if (lines > limit) report(lines, lines " lines; at most " limit)
}

BEGIN {
    while ((getline entry < exceptions) > 0) {
        if (entry ~ /^(#|$)/) continue
        if (split(entry, field, " ") < 3) {
            print exceptions ": an exception needs a path, a number of lines and a reason: " entry
            failed = 1
        }
        larger[field[1]] = field[2] + 0
    }
}

FNR == 1 {
    end_of_file()
    path = FILENAME
    start = 0
    if ($0 != "// SPDX-License-Identifier: Apache-2.0") report(1, "does not begin with its licence")
}

{ lines = FNR }

# The formatter puts the first line of a function of a namespace, and its last brace, in column 1.
/^[A-Za-z_\[]/ && start == 0 && !/^(namespace|using|extern "C")/ {
    start = FNR
    heading = ""
}
start > 0 && heading !~ /[{;]$/ { heading = heading " " $0 }
/^}/ {
    sub(/^ /, "", heading)
    if (start > 0 && heading ~ /\)[^=]*\{$/ && heading !~ /^(template <[^>]*> )?(class|struct|enum|union) /)
        if (FNR - start + 1 > 60) report(start, "function of " FNR - start + 1 " lines; at most 60")
    start = 0
}
start > 0 && heading ~ /;$/ { start = 0 }

END {
    end_of_file()
    exit failed
}
'
