// SPDX-License-Identifier: Apache-2.0
// Matrix products by cuBLASLt (its manual, part "Using the cublasLt API"), and by kernels of our
// own for few rows and for what the library has no algorithm.
#pragma once

#include <cublasLt.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <map>
#include <tuple>

#include "kernels/cuda/matrix_shape.h"

namespace r1::cuda {

/// Asks for products on one device, whose work is done in order. Algorithms are chosen by the
/// library's heuristic, never by the clock, and among those without atomics: the same call gives
/// the same bits in every run. Sums are made in float (for float operands without TF32) and rounded
/// once.
class MatrixProducts {
  public:
    /// With workspace on the current device. Throws Error (kLibrary).
    MatrixProducts();
    ~MatrixProducts();
    MatrixProducts(const MatrixProducts&) = delete;
    MatrixProducts& operator=(const MatrixProducts&) = delete;

    /// d = the product + bias[columns] + added[rows, columns], where those are not null; `added`
    /// may be d. T, Out: Bf16, Bf16; Bf16, float (without bias); or float, float.
    template <class T, class Out>
    void multiply(Out* d, const T* a, const T* b, const T* bias, const Out* added,
                  const MatrixShape& shape, cudaStream_t stream);

  private:
    /// What the library's choice depends on. Alignments are of the pointers, in bytes, up to 256.
    struct Request {
        MatrixShape shape;
        cudaDataType_t type, out_type;
        bool has_bias, has_added;
        unsigned a_alignment, b_alignment, added_alignment, d_alignment;
        auto key() const {
            return std::make_tuple(shape.rows, shape.columns, shape.depth, shape.a_transposed,
                                   shape.b_transposed, type, out_type, has_bias, has_added,
                                   a_alignment, b_alignment, added_alignment, d_alignment);
        }
        bool operator<(const Request& other) const { return key() < other.key(); }
    };
    struct Plan {
        bool found = false;
        cublasLtMatmulAlgo_t algorithm{};
    };
    class Description;

    const Plan& plan(const Request& request, const Description& description);

    cublasLtHandle_t library_ = nullptr;
    void* workspace_ = nullptr;
    std::size_t workspace_bytes_ = 0;
    std::map<Request, Plan> plans_;
};

}  // namespace r1::cuda
