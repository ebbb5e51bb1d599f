// SPDX-License-Identifier: Apache-2.0
#include "bench/gpu/bench.h"

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>
#include <type_traits>
#include <vector>

#include "common/json.h"
#include "common/random.h"
#include "common/time.h"

namespace r1::bench {

void print_figure(const Figure& figure) {
    Json line = {{"name", figure.name}, {"figure", figure.value}, {"unit", figure.unit}};
    if (!figure.against.empty()) {
        line["against"] = figure.against;
        line["limit"] = figure.limit;
        line["ratio"] = figure.value / figure.limit;
    }
    if (figure.target > 0) line["target"] = figure.target;
    std::cout << line.dump() << std::endl;
}

template <class T>
std::unique_ptr<Backend<T>> make_device(const Options& options) {
    if (!options.on_cpu) return make_cuda_backend<T>(0);
    if constexpr (std::is_same_v<T, float>) {
        return make_cpu_backend(1);
    } else {
        return make_reference_backend<T>();
    }
}
template std::unique_ptr<Backend<Bf16>> make_device(const Options& options);
template std::unique_ptr<Backend<float>> make_device(const Options& options);

double median(std::vector<double> values) {
    std::ranges::sort(values);
    const std::size_t middle = values.size() / 2;
    return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

double seconds_of(Device& device, int calls, int rounds, const std::function<void()>& work) {
    std::vector<double> seconds;
    for (int round = 0; round <= rounds; ++round) {
        device.finish();
        const double begin = monotonic_seconds();
        for (int call = 0; call < calls; ++call) work();
        device.finish();
        if (round > 0) seconds.push_back((monotonic_seconds() - begin) / calls);
    }
    return median(std::move(seconds));
}

template <class V>
void fill_normal(Device& device, V* values, std::size_t count, double deviation) {
    // A block of an odd length again and again, so that no two rows of a matrix are the same.
    const std::size_t block = std::min(count, (std::size_t{1} << 18) - 5);
    RandomStream stream(make_key(1, Purpose::kInit), 0);
    std::vector<V> host;
    for (std::size_t i = 0; i < block; ++i)
        host.push_back(V(static_cast<float>(deviation * stream.normal())));
    device.to_device(values, host.data(), block * sizeof(V));
    for (std::size_t done = block; done < count; done += block)
        device.copy(values + done, values, std::min(block, count - done) * sizeof(V));
}
template void fill_normal(Device& device, Bf16* values, std::size_t count, double deviation);
template void fill_normal(Device& device, float* values, std::size_t count, double deviation);

}  // namespace r1::bench
