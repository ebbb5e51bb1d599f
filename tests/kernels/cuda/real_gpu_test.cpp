// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/cuda/gpu_test.h"

namespace r1::test {

void for_each_order(const std::function<void()>& work) {
    work();
    work();
}

}  // namespace r1::test
