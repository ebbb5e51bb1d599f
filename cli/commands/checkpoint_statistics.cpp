// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/checkpoint_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "checkpoint/tensor_parts.h"
#include "cli/commands/checkpoint_values.h"

namespace r1::cli {

TensorStatistics statistics_of(const std::filesystem::path& checkpoint, const Manifest& manifest,
                               const TensorEntry& tensor) {
    TensorStatistics result;
    result.min = std::numeric_limits<double>::infinity();
    result.max = -result.min;
    // Wider than a double: the square of a large one is not lost.
    long double sum = 0;
    long double squares = 0;
    TensorReader reader(checkpoint, manifest);
    for_each_part(reader, manifest, tensor,
                  [&](std::uint64_t, const char* data, std::uint64_t bytes) {
                      const std::uint64_t count = bytes / bytes_of(tensor.type);
                      result.values += count;
                      with_values(tensor.type, [&](auto value_at) {
                          for (std::uint64_t i = 0; i < count; ++i) {
                              const auto value = static_cast<double>(value_at(data, i));
                              if (!std::isfinite(value)) {
                                  ++result.not_finite;
                                  continue;
                              }
                              if (value == 0) ++result.zeros;
                              result.min = std::min(result.min, value);
                              result.max = std::max(result.max, value);
                              sum += value;
                              squares += static_cast<long double>(value) * value;
                          }
                      });
                  });
    const auto finite = static_cast<long double>(result.values - result.not_finite);
    if (finite == 0) {
        result.min = result.max = 0;
        return result;
    }
    result.mean = static_cast<double>(sum / finite);
    result.rms = static_cast<double>(std::sqrt(squares / finite));
    return result;
}

}  // namespace r1::cli
