// SPDX-License-Identifier: Apache-2.0
#include "tests/emulated_gpu/emulated_gpu.h"

#include "tests/kernels/cuda/gpu_test.h"

namespace r1::test {

void for_each_order(const std::function<void()>& work) {
    using emulated::Order;
    for (const Order order : {Order::kAscending, Order::kDescending, Order::kShuffled}) {
        emulated::set_order(order, 1);
        work();
    }
    emulated::set_order(Order::kAscending);
}

}  // namespace r1::test
