// SPDX-License-Identifier: Apache-2.0
// What the benchmarks share: their options, how they measure and how they say what they saw.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "bench/gpu/work.h"
#include "kernels/backend.h"

namespace r1::bench {

struct Options {
    bool tiny = false;  ///< shapes and repetitions that a CPU manages in a second
    bool on_cpu =
        false;           ///< the plain loops instead of a GPU: proves the program, measures nothing
    Limits limits;       ///< of `limits`, in the same run; 0: measured first
    std::string folder;  ///< loss_curve: where the problem and the curves go
    bool once = false;   ///< training: one step without recomputing and no figures, for a profiler
};

/// One line of the table. What has no limit has an empty `against`.
struct Figure {
    std::string name;
    double value = 0;
    std::string unit;
    std::string against;  ///< what `limit` is
    double limit = 0;     ///< in the same unit
    double target = 0;    ///< the share of the limit that is wanted; 0: none is stated
};

/// A line of JSON on standard output at once, so that what was measured before an end is kept:
/// {"name", "figure", "unit"} and, with a limit, {"against", "limit", "ratio"} and {"target"}.
void print_figure(const Figure& figure);

/// GPU 0, or the plain loops. Throws Error as make_cuda_backend().
template <class T>
std::unique_ptr<Backend<T>> make_device(const Options& options);
extern template std::unique_ptr<Backend<Bf16>> make_device(const Options& options);
extern template std::unique_ptr<Backend<float>> make_device(const Options& options);

/// Seconds of one call of `work`: `calls` of them between two waits for the device, `rounds` times
/// after a round that is not counted; the median round.
double seconds_of(Device& device, int calls, int rounds, const std::function<void()>& work);

double median(std::vector<double> values);

/// Fills `count` values with normal numbers of the given deviation: a product of zeros takes less
/// power, and so runs faster, than any product that trains.
template <class V>
void fill_normal(Device& device, V* values, std::size_t count, double deviation);
extern template void fill_normal(Device& device, Bf16* values, std::size_t count, double deviation);
extern template void fill_normal(Device& device, float* values, std::size_t count,
                                 double deviation);

/// Those of the options, or measured now.
Limits limits_of(const Options& options, Backend<Bf16>& device);

/// Bytes of GPU 0 that are taken, by whomever; 0 where there is none.
double taken_memory(const Options& options);

// The benchmarks, by their names on the command line.
void limits(const Options& options);
void training(const Options& options);
void decode(const Options& options);
void grpo_step(const Options& options);
void kernels(const Options& options);
void products(const Options& options);
void loss_curve(const Options& options);

}  // namespace r1::bench
