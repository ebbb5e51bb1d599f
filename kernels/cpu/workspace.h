// SPDX-License-Identifier: Apache-2.0
// Scratch memory and tables of the CPU backend. Compiled once, for the plainest machine: templates
// of the standard library must not be instantiated in files built for a wider instruction set,
// because the linker keeps one copy of them for the whole program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace r1::cpu {

/// A buffer that grows; what was in it is gone when it does.
class Scratch {
  public:
    Scratch() = default;
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch();
    /// Room for `bytes`, aligned for any vector.
    void* reserve(std::size_t bytes);
    float* floats(std::size_t count) { return static_cast<float*>(reserve(count * sizeof(float))); }
    double* doubles(std::size_t count) {
        return static_cast<double*>(reserve(count * sizeof(double)));
    }

  private:
    void* memory_ = nullptr;
    std::size_t bytes_ = 0;
};

/// Cosines and sines of rotary embeddings: row p is cos(p·f_j) for every j, then sin(p·f_j).
class RopeTable {
  public:
    RopeTable();
    ~RopeTable();
    /// The table of rows 0 … last_position; each row is head_dim floats.
    const float* rows(std::int32_t last_position, std::int32_t head_dim, double theta);

  private:
    struct Rows;
    std::unique_ptr<Rows> rows_;
};

struct Workspace {
    int threads = 1;
    Scratch scratch;
    RopeTable rope;
};

}  // namespace r1::cpu
