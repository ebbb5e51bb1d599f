// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <source_location>
#include <type_traits>

#include "common/bfloat16.h"
#include "common/error.h"
#include "kernels/cuda/check.h"
#include "kernels/cuda/few_rows_product.h"
#include "kernels/cuda/matrix_product.h"
#include "kernels/cuda/tiled_product.h"

namespace r1::cuda {
namespace {

void check_cublas(cublasStatus_t status, const char* call,
                  std::source_location at = std::source_location::current()) {
    if (status == CUBLAS_STATUS_SUCCESS) return;
    throw_library_error("cuBLASLt", call, cublasLtGetStatusString(status), at);
}

template <class T>
constexpr cudaDataType_t kTypeOf = std::is_same_v<T, Bf16> ? CUDA_R_16BF : CUDA_R_32F;

unsigned alignment_of(const void* pointer) {
    const auto address = reinterpret_cast<std::uintptr_t>(pointer) | 256U;
    return static_cast<unsigned>(address & (~address + 1));
}

/// NVIDIA's advice for Hopper is 32 MiB; more lets the heuristic split a deep product further.
std::size_t workspace_size() {
    int device = 0, major = 0;
    check_cuda(cudaGetDevice(&device), "cudaGetDevice");
    check_cuda(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device),
               "cudaDeviceGetAttribute");
    return (major >= 9 ? std::size_t{64} : std::size_t{32}) << 20;
}

/// Owns the layout of one matrix as the library sees it: column-major.
class Layout {
  public:
    Layout(cudaDataType_t type, std::int32_t rows, std::int32_t columns) {
        check_cublas(
            cublasLtMatrixLayoutCreate(&layout_, type, static_cast<std::uint64_t>(rows),
                                       static_cast<std::uint64_t>(columns), std::int64_t{rows}),
            "cublasLtMatrixLayoutCreate");
    }
    Layout(const Layout&) = delete;
    Layout& operator=(const Layout&) = delete;
    ~Layout() { cublasLtMatrixLayoutDestroy(layout_); }
    cublasLtMatrixLayout_t get() const { return layout_; }

  private:
    cublasLtMatrixLayout_t layout_ = nullptr;
};

class Preference {
  public:
    Preference() {
        check_cublas(cublasLtMatmulPreferenceCreate(&preference_),
                     "cublasLtMatmulPreferenceCreate");
    }
    Preference(const Preference&) = delete;
    Preference& operator=(const Preference&) = delete;
    ~Preference() { cublasLtMatmulPreferenceDestroy(preference_); }
    cublasLtMatmulPreference_t get() const { return preference_; }

    template <class V>
    void set(cublasLtMatmulPreferenceAttributes_t attribute, const V& value) {
        check_cublas(
            cublasLtMatmulPreferenceSetAttribute(preference_, attribute, &value, sizeof value),
            "cublasLtMatmulPreferenceSetAttribute");
    }

  private:
    cublasLtMatmulPreference_t preference_ = nullptr;
};

/// Owns what tells the library how to multiply.
class Operation {
  public:
    Operation() {
        check_cublas(cublasLtMatmulDescCreate(&operation_, CUBLAS_COMPUTE_32F, CUDA_R_32F),
                     "cublasLtMatmulDescCreate");
    }
    Operation(const Operation&) = delete;
    Operation& operator=(const Operation&) = delete;
    ~Operation() { cublasLtMatmulDescDestroy(operation_); }
    cublasLtMatmulDesc_t get() const { return operation_; }

    template <class V>
    void set(cublasLtMatmulDescAttributes_t attribute, const V& value) {
        check_cublas(cublasLtMatmulDescSetAttribute(operation_, attribute, &value, sizeof value),
                     "cublasLtMatmulDescSetAttribute");
    }

  private:
    cublasLtMatmulDesc_t operation_ = nullptr;
};

}  // namespace

/// A row-major matrix is its transpose in column-major order. So the library computes
/// Dᵀ = op(B) · op(A), in which our B is its first operand.
class MatrixProducts::Description {
  public:
    Description(const Request& request, const void* bias)
        : first(request.type,
                request.shape.b_transposed ? request.shape.columns : request.shape.depth,
                request.shape.b_transposed ? request.shape.depth : request.shape.columns),
          second(request.type,
                 request.shape.a_transposed ? request.shape.rows : request.shape.depth,
                 request.shape.a_transposed ? request.shape.depth : request.shape.rows),
          result(request.out_type, request.shape.columns, request.shape.rows) {
        operation.set(CUBLASLT_MATMUL_DESC_TRANSA,
                      request.shape.b_transposed ? CUBLAS_OP_N : CUBLAS_OP_T);
        operation.set(CUBLASLT_MATMUL_DESC_TRANSB,
                      request.shape.a_transposed ? CUBLAS_OP_T : CUBLAS_OP_N);
        if (bias == nullptr) return;
        operation.set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
        operation.set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
    }

    Operation operation;
    Layout first, second, result;
};

MatrixProducts::MatrixProducts() : workspace_bytes_(workspace_size()) {
    check_cublas(cublasLtCreate(&library_), "cublasLtCreate");
    const cudaError_t status = cudaMalloc(&workspace_, workspace_bytes_);
    if (status == cudaSuccess) return;
    cublasLtDestroy(library_);
    check_cuda(status, "cudaMalloc of the workspace of matrix products");
}

MatrixProducts::~MatrixProducts() {
    cudaFree(workspace_);
    cublasLtDestroy(library_);
}

const MatrixProducts::Plan& MatrixProducts::plan(const Request& request,
                                                 const Description& description) {
    const auto known = plans_.find(request);
    if (known != plans_.end()) return known->second;
    Preference preference;
    preference.set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace_bytes_);
    // Parts of a split depth are added up in float and in a fixed order; "in place" they would be
    // added to the result as they come.
    preference.set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
                   std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE});
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, request.b_alignment);
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, request.a_alignment);
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, request.added_alignment);
    preference.set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, request.d_alignment);
    cublasLtMatmulHeuristicResult_t best{};
    int count = 0;
    const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
        library_, description.operation.get(), description.first.get(), description.second.get(),
        description.result.get(), description.result.get(), preference.get(), 1, &best, &count);
    if (status != CUBLAS_STATUS_NOT_SUPPORTED)
        check_cublas(status, "cublasLtMatmulAlgoGetHeuristic");
    const bool found =
        status == CUBLAS_STATUS_SUCCESS && count > 0 && best.state == CUBLAS_STATUS_SUCCESS;
    return plans_.emplace(request, Plan{found, best.algo}).first->second;
}

template <class T, class Out>
void MatrixProducts::multiply(Out* d, const T* a, const T* b, const T* bias, const Out* added,
                              const MatrixShape& shape, cudaStream_t stream) {
    if (shape.rows == 0 || shape.columns == 0) return;
    if (is_few_rows_product(shape, a, b))
        return few_rows_product(d, a, b, bias, added, shape, stream);
    // A bias has the type of the result.
    const bool bias_fits = bias == nullptr || std::is_same_v<T, Out>;
    if (shape.depth == 0 || !bias_fits) return tiled_product(d, a, b, bias, added, shape, stream);
    // Without `added` the library is still given a C, which it does not read.
    const Out* c = added == nullptr ? d : added;
    // The bias is read along with the rows of d, so that the kernel relies on its alignment too.
    const unsigned d_alignment = std::min(alignment_of(d), alignment_of(bias));
    const Request request{shape,           kTypeOf<T>,       kTypeOf<Out>,
                          bias != nullptr, added != nullptr, alignment_of(a),
                          alignment_of(b), alignment_of(c),  d_alignment};
    const Description description(request, bias);
    const Plan& chosen = plan(request, description);
    if (!chosen.found) return tiled_product(d, a, b, bias, added, shape, stream);
    const float alpha = 1, beta = added == nullptr ? 0.0F : 1.0F;
    check_cublas(cublasLtMatmul(library_, description.operation.get(), &alpha, b,
                                description.first.get(), a, description.second.get(), &beta, c,
                                description.result.get(), d, description.result.get(),
                                &chosen.algorithm, workspace_, workspace_bytes_, stream),
                 "cublasLtMatmul");
}

template void MatrixProducts::multiply(Bf16*, const Bf16*, const Bf16*, const Bf16*, const Bf16*,
                                       const MatrixShape&, cudaStream_t);
template void MatrixProducts::multiply(float*, const Bf16*, const Bf16*, const Bf16*, const float*,
                                       const MatrixShape&, cudaStream_t);
template void MatrixProducts::multiply(float*, const float*, const float*, const float*,
                                       const float*, const MatrixShape&, cudaStream_t);

}  // namespace r1::cuda
