#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Proves what tests/gpu/run prints and returns, with programs that say what a test of a GPU would.
set -euo pipefail
run=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/run
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
folder=$work/build
mkdir -p "$folder/tests" "$work/bin"

# program NAME CODE LINE…: a test program that prints the lines and ends with the code.
program() {
    local name=$1 code=$2
    shift 2
    { echo '#!/bin/sh'; printf "echo '%s'\n" "$@"; echo "exit $code"; } >"$folder/tests/$name"
    chmod +x "$folder/tests/$name"
    echo "tests/$name" >>"$folder/gpu_tests.txt"
}

# expect CODE PATTERN… -- WORD…: runs it, wants the code, and a line for each pattern.
expect() {
    local code=$1 patterns=() status=0
    shift
    while [ "$1" != -- ]; do patterns+=("$1"); shift; done
    shift
    PATH=$work/bin:$PATH "$run" --no-build --folder "$folder" "$@" >"$work/out" 2>&1 || status=$?
    for pattern in "${patterns[@]}"; do
        grep -Eq -- "$pattern" "$work/out" || { echo "FAILED: no line '$pattern' in:"; cat "$work/out"; exit 1; }
    done
    [ "$status" -eq "$code" ] || { echo "FAILED: exit code $status, not $code:"; cat "$work/out"; exit 1; }
}

expect 2 'holds no build' --
: >"$folder/gpu_tests.txt"
expect 3 'NOTHING RAN: this build has no CUDA' --
expect 0 'NOTHING RAN: this build has no CUDA' -- --allow-none

program a_gpu 0 '[ RUN      ] A.One' 'no GPU' '[  SKIPPED ] A.One (0 ms)' '[  SKIPPED ] 1 test, listed below:' \
    '[  SKIPPED ] A.One'
expect 3 '^a_gpu  A\.One  skipped$' '^0 passed, 0 failed, 1 skipped$' 'NOTHING RAN: no GPU' --
expect 0 'NOTHING RAN: no GPU' -- --allow-none

# A sanitizer that finds something in one program with one tool.
cat >"$work/bin/compute-sanitizer" <<'END'
#!/bin/sh
[ "$1 $2 $3 $4" = "--tool $2 --error-exitcode 99" ] || exit 1
case "$*" in
    *memcheck*) [ "$5 $6" = "--report-api-errors no" ] || { echo "an error that was wanted"; exit 99; } ;;
    *racecheck*/b_gpu) echo "a race"; exit 99 ;;
esac
END
chmod +x "$work/bin/compute-sanitizer"
program b_gpu 0 '[ RUN      ] B.Two' '[       OK ] B.Two (3 ms)'
expect 0 '^a_gpu  A\.One  skipped$' '^b_gpu  B\.Two  passed$' '^1 passed, 0 failed, 1 skipped$' -- --no-sanitizer
expect 1 'a race' '^b_gpu  compute-sanitizer memcheck   passed$' '^b_gpu  compute-sanitizer racecheck  failed$' \
    '^6 passed, 1 failed, 1 skipped$' --

# A test that fails, a program that dies in a test, one that dies without, and one that hangs.
program c_gpu 1 '[ RUN      ] C.Three' 'why it failed' '[  FAILED  ] C.Three (3 ms)' '[  FAILED  ] 1 test, listed below:' \
    '[  FAILED  ] C.Three'
program d_gpu 134 '[ RUN      ] D.Four' '[       OK ] D.Four (3 ms)' '[ RUN      ] D.Five'
program e_gpu 139 'before the first test'
program f_gpu 0 '[ RUN      ] F.Six'
echo 'sleep 60' >>"$folder/tests/f_gpu"
sed -i '/^exit/d' "$folder/tests/f_gpu"
expect 1 'why it failed' '^c_gpu  C\.Three +failed$' '^d_gpu  D\.Four +passed$' '^d_gpu  D\.Five +failed$' \
    '^e_gpu  \(ended by signal 11\)  failed$' '^f_gpu  F\.Six +failed$' '--- f_gpu: took more than 1 s' \
    '^2 passed, 4 failed, 1 skipped$' -- --no-sanitizer --time-limit 1

# A library that is not here.
: >"$folder/gpu_tests.txt"
program b_gpu 0 '[ RUN      ] B.Two' '[       OK ] B.Two (3 ms)'
program g_gpu 127 'g_gpu: error while loading shared libraries: libmpi.so.40: cannot open shared object file'
expect 0 '^g_gpu  \(g_gpu: error while loading shared libraries: libmpi.*skipped$' '^1 passed, 0 failed, 1 skipped$' \
    -- --no-sanitizer

# Packed and carried: the programs, their libraries but not the system's, and the commit.
pack=${run%/run}/pack
cp "$(command -v xz)" "$folder/tests/xz_gpu"
echo tests/xz_gpu >"$folder/gpu_tests.txt"
mkdir -p "$folder/bench/gpu" "$work/there"
cp "$(command -v xz)" "$folder/bench/gpu/r1_bench_gpu"
"$pack" --no-build --folder "$folder" "$work/gpu.tar" >"$work/out"
grep -q 'gpu.tar: 2 programs, ' "$work/out" || { echo "FAILED: pack said:"; cat "$work/out"; exit 1; }
tar xf "$work/gpu.tar" -C "$work/there"
for path in tests/gpu/run tests/xz_gpu bench/gpu/run bench/gpu/r1_bench_gpu bench/gpu/table.py; do
    [ -f "$work/there/$path" ] || { echo "FAILED: pack left out $path"; exit 1; }
done
[ "$(ls "$work/there/lib")" = liblzma.so.5 ] || { echo "FAILED: packed libraries:"; ls "$work/there/lib"; exit 1; }
echo '0123456789ab' >"$work/there/commit"
status=0
"$work/there/tests/gpu/run" --no-build --folder "$work/there" >"$work/out" 2>&1 || status=$?
grep -q ', 0123456789ab$' "$work/out" || { echo "FAILED: no commit in:"; cat "$work/out"; exit 1; }
: >"$folder/gpu_tests.txt"
"$pack" --no-build --folder "$folder" "$work/gpu.tar" 2>"$work/out" && exit 1
grep -q 'holds no programs for a GPU' "$work/out" || { echo "FAILED: pack said:"; cat "$work/out"; exit 1; }

expect 2 "unknown word '--fast'" -- --fast
