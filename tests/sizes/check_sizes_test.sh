#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Proves that check_sizes.sh finds each thing that is too long, and nothing else.
set -eu
checker=$(cd "$(dirname "$0")" && pwd)/check_sizes.sh
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
mkdir -p "$tree/common"
exceptions=$tree/exceptions.txt
licence='// SPDX-License-Identifier: Apache-2.0'

# lines COUNT TEXT: the text so many times.
lines() { awk -v count="$1" -v text="$2" 'BEGIN { while (count-- > 0) print text }'; }

# expect REPORT: what the check says about the tree; empty when it passes.
expect() {
    found=$(sh "$checker" "$tree" "$exceptions") || true
    if [ "$found" != "$1" ]; then
        printf 'FAILED: expected "%s", got "%s"\n' "$1" "$found" >&2
        exit 1
    fi
}

: >"$exceptions"
{ echo "$licence"; lines 149 '// x'; } >"$tree/common/a.h"
{ echo "$licence"; lines 399 '// x'; } >"$tree/common/a.cpp"
expect ''

echo '// x' >>"$tree/common/a.h"
expect 'common/a.h:151: 151 lines; at most 150'
echo 'common/a.h 151 one interface' >"$exceptions"
expect ''
{ echo "$licence"; lines 149 '// x'; } >"$tree/common/a.h"
expect 'common/a.h:150: fits its limit now; take it off the exceptions'
: >"$exceptions"

echo '// x' >>"$tree/common/a.cpp"
expect 'common/a.cpp:401: 401 lines; at most 400'

{ echo "$licence"; echo 'struct Big {'; lines 99 '    int x;'; echo '};'
  echo 'const int kBig[] = {'; lines 99 '    f(1),'; echo '};'
  echo 'void f();'; echo 'void f(int a,'; echo '       int b) {'; lines 57 '    g();'; echo '}'; } >"$tree/common/a.cpp"
expect ''
{ echo "$licence"; echo 'void f();'; echo 'TEST(A, B) {'; lines 59 '    g();'; echo '}'; } >"$tree/common/a.cpp"
expect 'common/a.cpp:3: function of 61 lines; at most 60'

echo 'int x;' >"$tree/common/a.cpp"
expect 'common/a.cpp:1: does not begin with its licence'
