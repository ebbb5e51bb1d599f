// SPDX-License-Identifier: Apache-2.0
// Products by plain loops, behind cuBLASLt's interface. It is choosier than the library: Bf16
// operands whose columns are not aligned to 16 bytes have no algorithm here, so that what callers
// do then is tested. The library has some for these, on some devices.
#include <cublasLt.h>

#include <array>
#include <cstring>

#include "common/bfloat16.h"
#include "tests/emulated_gpu/memory.h"
#include "tests/emulated_gpu/stream.h"

struct cublasLtContext {};
struct cublasLtMatmulDescOpaque_t {
    cublasComputeType_t compute;
    cudaDataType_t scale;
    cublasOperation_t transpose_a = CUBLAS_OP_N, transpose_b = CUBLAS_OP_N;
    cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    const void* bias = nullptr;
    std::int32_t bias_type = -1;  ///< -1: D's
};
struct cublasLtMatrixLayoutOpaque_t {
    cudaDataType_t type;
    std::uint64_t rows, columns;
    std::int64_t leading;
    cublasLtOrder_t order = CUBLASLT_ORDER_COL;
};
struct cublasLtMatmulPreferenceOpaque_t {
    std::uint64_t workspace_bytes = 0;
    std::uint32_t reduction_schemes = CUBLASLT_REDUCTION_SCHEME_MASK;
    std::array<std::uint32_t, 4> alignments{256, 256, 256, 256};  ///< of A, B, C and D
};

namespace {

using Layout = cublasLtMatrixLayoutOpaque_t;
using Operation = cublasLtMatmulDescOpaque_t;

template <class V>
cublasStatus_t set(V& target, const void* value, std::size_t bytes) {
    if (value == nullptr || bytes != sizeof(V)) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(&target, value, bytes);
    return CUBLAS_STATUS_SUCCESS;
}

template <class Object, class... Arguments>
cublasStatus_t create(Object** target, Arguments... arguments) {
    if (target == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
    *target = new Object{arguments...};
    return CUBLAS_STATUS_SUCCESS;
}

struct Product {
    Operation operation;
    Layout a, b, c, d;

    std::uint64_t depth() const {
        return operation.transpose_a == CUBLAS_OP_N ? a.columns : a.rows;
    }
    bool fits() const {
        const bool plain_a = operation.transpose_a == CUBLAS_OP_N;
        const bool plain_b = operation.transpose_b == CUBLAS_OP_N;
        return (plain_a ? a.rows : a.columns) == d.rows &&
               (plain_b ? b.columns : b.rows) == d.columns &&
               (plain_b ? b.rows : b.columns) == depth() && c.rows == d.rows &&
               c.columns == d.columns;
    }
};

std::int64_t bytes_of(cudaDataType_t type) {
    return type == CUDA_R_16BF ? 2 : 4;
}

bool is_valid(const Layout& layout) {
    return layout.rows > 0 && layout.columns > 0 &&
           layout.leading >= static_cast<std::int64_t>(layout.rows);
}

/// The rows of the manual's table of types (cublasLtMatmul, CUBLAS_COMPUTE_32F) that are known
/// here.
bool types_are_supported(const Product& p) {
    if (p.operation.compute != CUBLAS_COMPUTE_32F || p.operation.scale != CUDA_R_32F) return false;
    if (p.a.type != p.b.type || p.c.type != p.d.type) return false;
    const cudaDataType_t bias_type =
        p.operation.bias_type == -1 ? p.d.type : static_cast<cudaDataType_t>(p.operation.bias_type);
    if (p.operation.epilogue == CUBLASLT_EPILOGUE_BIAS && bias_type != p.d.type) return false;
    if (p.a.type == CUDA_R_32F) return p.d.type == CUDA_R_32F;
    return p.a.type == CUDA_R_16BF && (p.d.type == CUDA_R_16BF || p.d.type == CUDA_R_32F);
}

cublasStatus_t check(const Product& p) {
    for (const Layout* layout : {&p.a, &p.b, &p.c, &p.d}) {
        if (!is_valid(*layout)) return CUBLAS_STATUS_INVALID_VALUE;
        if (layout->order != CUBLASLT_ORDER_COL) return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    if (!p.fits()) return CUBLAS_STATUS_INVALID_VALUE;
    return types_are_supported(p) ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_NOT_SUPPORTED;
}

/// What an algorithm was chosen for.
struct Chosen {
    std::uint64_t rows, columns, depth;
    std::array<std::uint32_t, 4> alignments;
    std::uint64_t epilogue;
};
static_assert(sizeof(Chosen) <= sizeof(cublasLtMatmulAlgo_t));

float value_at(const void* from, const Layout& layout, std::uint64_t row, std::uint64_t column) {
    const std::uint64_t at = row + column * static_cast<std::uint64_t>(layout.leading);
    if (layout.type == CUDA_R_32F) return static_cast<const float*>(from)[at];
    return r1::from_bfloat16(static_cast<const std::uint16_t*>(from)[at]);
}

void multiply(const Product& p, float alpha, const void* a, const void* b, float beta,
              const void* c, void* d) {
    const bool plain_a = p.operation.transpose_a == CUBLAS_OP_N;
    const bool plain_b = p.operation.transpose_b == CUBLAS_OP_N;
    const Layout bias{p.d.type, p.d.rows, 1, static_cast<std::int64_t>(p.d.rows)};
    for (std::uint64_t j = 0; j < p.d.columns; ++j) {
        for (std::uint64_t i = 0; i < p.d.rows; ++i) {
            float sum = 0;
            for (std::uint64_t l = 0; l < p.depth(); ++l) {
                sum += value_at(a, p.a, plain_a ? i : l, plain_a ? l : i) *
                       value_at(b, p.b, plain_b ? l : j, plain_b ? j : l);
            }
            sum *= alpha;
            if (beta != 0) sum += beta * value_at(c, p.c, i, j);
            if (p.operation.epilogue == CUBLASLT_EPILOGUE_BIAS)
                sum += value_at(p.operation.bias, bias, i, 0);
            const std::uint64_t at = i + j * static_cast<std::uint64_t>(p.d.leading);
            if (p.d.type == CUDA_R_32F) static_cast<float*>(d)[at] = sum;
            if (p.d.type == CUDA_R_16BF) static_cast<std::uint16_t*>(d)[at] = r1::to_bfloat16(sum);
        }
    }
}

bool lies_on_device(const void* memory, const Layout& layout) {
    const auto last = static_cast<std::uint64_t>(layout.leading) * (layout.columns - 1);
    return r1::emulated::place_of(
               memory, (last + layout.rows) * static_cast<std::uint64_t>(bytes_of(layout.type))) ==
           r1::emulated::Place::kDevice;
}

bool is_aligned(const void* memory, std::uint64_t bytes) {
    return reinterpret_cast<std::uintptr_t>(memory) % bytes == 0;
}

}  // namespace

const char* cublasLtGetStatusString(cublasStatus_t status) {
    switch (status) {
        case CUBLAS_STATUS_SUCCESS:
            return "CUBLAS_STATUS_SUCCESS";
        case CUBLAS_STATUS_NOT_INITIALIZED:
            return "CUBLAS_STATUS_NOT_INITIALIZED";
        case CUBLAS_STATUS_ALLOC_FAILED:
            return "CUBLAS_STATUS_ALLOC_FAILED";
        case CUBLAS_STATUS_INVALID_VALUE:
            return "CUBLAS_STATUS_INVALID_VALUE";
        case CUBLAS_STATUS_EXECUTION_FAILED:
            return "CUBLAS_STATUS_EXECUTION_FAILED";
        case CUBLAS_STATUS_NOT_SUPPORTED:
            return "CUBLAS_STATUS_NOT_SUPPORTED";
    }
    return "<unknown>";
}

cublasStatus_t cublasLtCreate(cublasLtHandle_t* library) {
    return create(library);
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t library) {
    delete library;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* operation,
                                        cublasComputeType_t compute, cudaDataType_t scale) {
    return create(operation, compute, scale);
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t operation) {
    delete operation;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t operation,
                                              cublasLtMatmulDescAttributes_t attribute,
                                              const void* value, std::size_t bytes) {
    switch (attribute) {
        case CUBLASLT_MATMUL_DESC_TRANSA:
            return set(operation->transpose_a, value, bytes);
        case CUBLASLT_MATMUL_DESC_TRANSB:
            return set(operation->transpose_b, value, bytes);
        case CUBLASLT_MATMUL_DESC_EPILOGUE:
            return set(operation->epilogue, value, bytes);
        case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
            return set(operation->bias, value, bytes);
        case CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE:
            return set(operation->bias_type, value, bytes);
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType type,
                                          std::uint64_t rows, std::uint64_t columns,
                                          std::int64_t leading) {
    return create(layout, type, rows, columns, leading);
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
    delete layout;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutSetAttribute(cublasLtMatrixLayout_t layout,
                                                cublasLtMatrixLayoutAttribute_t attribute,
                                                const void* value, std::size_t bytes) {
    if (attribute != CUBLASLT_MATRIX_LAYOUT_ORDER) return CUBLAS_STATUS_INVALID_VALUE;
    return set(layout->order, value, bytes);
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
    return create(preference);
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
    delete preference;
    return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t attribute,
                                                    const void* value, std::size_t bytes) {
    switch (attribute) {
        case CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES:
            return set(preference->workspace_bytes, value, bytes);
        case CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK:
            return set(preference->reduction_schemes, value, bytes);
        case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES:
        case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES:
        case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES:
        case CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES:
            return set(preference->alignments.at(static_cast<std::size_t>(
                           attribute - CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES)),
                       value, bytes);
    }
    return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t cublasLtMatmulAlgoGetHeuristic(
    cublasLtHandle_t library, cublasLtMatmulDesc_t operation, cublasLtMatrixLayout_t a_layout,
    cublasLtMatrixLayout_t b_layout, cublasLtMatrixLayout_t c_layout,
    cublasLtMatrixLayout_t d_layout, cublasLtMatmulPreference_t preference, int wanted,
    cublasLtMatmulHeuristicResult_t* results, int* count) {
    if (library == nullptr || preference == nullptr || wanted < 1)
        return CUBLAS_STATUS_INVALID_VALUE;
    *count = 0;
    const Product product{*operation, *a_layout, *b_layout, *c_layout, *d_layout};
    const cublasStatus_t status = check(product);
    if (status != CUBLAS_STATUS_SUCCESS) return status;
    const auto& alignments = preference->alignments;
    const Layout* layouts[] = {a_layout, b_layout, c_layout, d_layout};
    for (std::size_t i = 0; i < 4; ++i) {
        const Layout& layout = *layouts[i];
        const bool narrow = layout.type == CUDA_R_16BF;
        if (narrow && (layout.leading % 8 != 0 || alignments.at(i) < 16))
            return CUBLAS_STATUS_NOT_SUPPORTED;
    }
    const Chosen chosen{d_layout->rows, d_layout->columns, product.depth(), alignments,
                        operation->epilogue};
    results[0] = {};
    std::memcpy(&results[0].algo, &chosen, sizeof chosen);
    results[0].state = CUBLAS_STATUS_SUCCESS;
    results[0].wavesCount = 1;
    *count = 1;
    return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t cublasLtMatmul(cublasLtHandle_t library, cublasLtMatmulDesc_t operation,
                              const void* alpha, const void* a, cublasLtMatrixLayout_t a_layout,
                              const void* b, cublasLtMatrixLayout_t b_layout, const void* beta,
                              const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algo,
                              void* workspace, std::size_t workspace_bytes, cudaStream_t stream) {
    if (library == nullptr) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (algo == nullptr || alpha == nullptr || beta == nullptr) return CUBLAS_STATUS_INVALID_VALUE;
    const Product product{*operation, *a_layout, *b_layout, *c_layout, *d_layout};
    const cublasStatus_t status = check(product);
    if (status != CUBLAS_STATUS_SUCCESS) return status;
    Chosen chosen{};
    std::memcpy(&chosen, algo, sizeof chosen);
    const float factor = *static_cast<const float*>(beta);
    const bool chosen_for_it =
        chosen.rows == d_layout->rows && chosen.columns == d_layout->columns &&
        chosen.depth == product.depth() && chosen.epilogue == operation->epilogue;
    const bool aligned = is_aligned(a, chosen.alignments[0]) &&
                         is_aligned(b, chosen.alignments[1]) &&
                         (factor == 0 || is_aligned(c, chosen.alignments[2])) &&
                         is_aligned(d, chosen.alignments[3]) && is_aligned(workspace, 256);
    const bool has_bias =
        operation->epilogue != CUBLASLT_EPILOGUE_BIAS || operation->bias != nullptr;
    const bool on_device = lies_on_device(a, *a_layout) && lies_on_device(b, *b_layout) &&
                           lies_on_device(d, *d_layout) &&
                           (factor == 0 || lies_on_device(c, *c_layout));
    const bool has_workspace = workspace_bytes == 0 || workspace != nullptr;
    if (!chosen_for_it || !aligned || !has_bias || !on_device || !has_workspace)
        return CUBLAS_STATUS_INVALID_VALUE;
    const cudaError_t asked = r1::emulated::enqueue(
        stream, [product, a, b, c, d, factor, scale = *static_cast<const float*>(alpha)] {
            multiply(product, scale, a, b, factor, c, d);
        });
    return asked == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}
