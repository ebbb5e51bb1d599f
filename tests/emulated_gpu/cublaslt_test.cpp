// SPDX-License-Identifier: Apache-2.0
// The stand-in refuses what the library refuses.
#include <cublasLt.h>
#include <gtest/gtest.h>

#include <vector>

namespace r1::test {
namespace {

/// D[m, n] = A[m, k] · B[k, n] of floats in column-major order, unless a test changes something.
struct Request {
    std::uint64_t m = 2, n = 3, k = 4;
    cudaDataType_t type = CUDA_R_32F, out_type = CUDA_R_32F, scale = CUDA_R_32F;
    cublasComputeType_t compute = CUBLAS_COMPUTE_32F;
    cublasOperation_t transpose_a = CUBLAS_OP_N;
    std::int64_t a_leading = 2;
    cublasLtOrder_t order = CUBLASLT_ORDER_COL;
    cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
    std::int32_t bias_type = -1;
    std::uint32_t alignment = 256;
    float beta = 0;
};

class CublasLt : public testing::Test {
  protected:
    void SetUp() override {
        cublasLtCreate(&library_);
        cudaMalloc(&memory_, 4096);
        cudaMemset(memory_, 0, 4096);
    }
    void TearDown() override {
        cudaFree(memory_);
        cublasLtDestroy(library_);
    }

    void describe(const Request& r) {
        cublasLtMatmulDescCreate(&operation_, r.compute, r.scale);
        const auto set = [&](cublasLtMatmulDescAttributes_t attribute, const auto& value) {
            cublasLtMatmulDescSetAttribute(operation_, attribute, &value, sizeof value);
        };
        set(CUBLASLT_MATMUL_DESC_TRANSA, r.transpose_a);
        set(CUBLASLT_MATMUL_DESC_EPILOGUE, r.epilogue);
        set(CUBLASLT_MATMUL_DESC_BIAS_DATA_TYPE, r.bias_type);
        set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias_);
        cublasLtMatrixLayoutCreate(&a_, r.type, r.m, r.k, r.a_leading);
        cublasLtMatrixLayoutSetAttribute(a_, CUBLASLT_MATRIX_LAYOUT_ORDER, &r.order,
                                         sizeof r.order);
        cublasLtMatrixLayoutCreate(&b_, r.type, r.k, r.n, static_cast<std::int64_t>(r.k));
        cublasLtMatrixLayoutCreate(&d_, r.out_type, r.m, r.n, static_cast<std::int64_t>(r.m));
    }
    void forget() {
        cublasLtMatmulDescDestroy(operation_);
        for (cublasLtMatrixLayout_t layout : {a_, b_, d_}) cublasLtMatrixLayoutDestroy(layout);
    }

    cublasStatus_t choose(const Request& r, cublasLtMatmulHeuristicResult_t* best) {
        cublasLtMatmulPreference_t preference = nullptr;
        cublasLtMatmulPreferenceCreate(&preference);
        cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
                                             &r.alignment, sizeof r.alignment);
        int count = 0;
        const cublasStatus_t status = cublasLtMatmulAlgoGetHeuristic(
            library_, operation_, a_, b_, d_, d_, preference, 1, best, &count);
        cublasLtMatmulPreferenceDestroy(preference);
        EXPECT_EQ(count, status == CUBLAS_STATUS_SUCCESS ? 1 : 0);
        return status;
    }
    cublasStatus_t chosen(const Request& r) {
        cublasLtMatmulHeuristicResult_t best{};
        describe(r);
        const cublasStatus_t status = choose(r, &best);
        forget();
        return status;
    }
    /// With A at `a_offset` floats, and D 1 KiB into the memory.
    cublasStatus_t multiplied(const Request& r, std::size_t a_offset = 0,
                              cudaStream_t stream = nullptr) {
        cublasLtMatmulHeuristicResult_t best{};
        describe(r);
        EXPECT_EQ(choose(r, &best), CUBLAS_STATUS_SUCCESS);
        const float alpha = 1;
        const cublasStatus_t status = cublasLtMatmul(
            library_, operation_, &alpha, memory_ + a_offset, a_, memory_ + 128, b_, &r.beta,
            memory_ + 256, d_, memory_ + 256, d_, &best.algo, nullptr, 0, stream);
        forget();
        return status;
    }

    cublasLtHandle_t library_ = nullptr;
    float* memory_ = nullptr;
    const void* bias_ = nullptr;
    cublasLtMatmulDesc_t operation_ = nullptr;
    cublasLtMatrixLayout_t a_ = nullptr, b_ = nullptr, d_ = nullptr;
};

TEST_F(CublasLt, RefusesSizesThatDoNotFit) {
    EXPECT_EQ(chosen({}), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(chosen({.a_leading = 1}), CUBLAS_STATUS_INVALID_VALUE);
    EXPECT_EQ(chosen({.transpose_a = CUBLAS_OP_T}), CUBLAS_STATUS_INVALID_VALUE);
    EXPECT_EQ(chosen({.n = 0}), CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(CublasLt, RefusesTypesThatTheTableDoesNotList) {
    const Request narrow{.m = 8, .n = 8, .k = 8, .type = CUDA_R_16BF, .a_leading = 8};
    EXPECT_EQ(chosen(narrow), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(chosen({.type = CUDA_R_32F, .out_type = CUDA_R_16BF}), CUBLAS_STATUS_NOT_SUPPORTED);
    EXPECT_EQ(chosen({.scale = CUDA_R_64F}), CUBLAS_STATUS_NOT_SUPPORTED);
    EXPECT_EQ(chosen({.compute = CUBLAS_COMPUTE_16F}), CUBLAS_STATUS_NOT_SUPPORTED);
    EXPECT_EQ(chosen({.order = CUBLASLT_ORDER_ROW}), CUBLAS_STATUS_NOT_SUPPORTED);
    EXPECT_EQ(chosen({.epilogue = CUBLASLT_EPILOGUE_BIAS, .bias_type = CUDA_R_16BF}),
              CUBLAS_STATUS_NOT_SUPPORTED);
    Request unaligned = narrow;
    unaligned.alignment = 2;
    EXPECT_EQ(chosen(unaligned), CUBLAS_STATUS_NOT_SUPPORTED);
}

TEST_F(CublasLt, MultipliesAndAdds) {
    const std::vector<float> a{1, 2, 3, 4, 5, 6, 7, 8}, b{1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1};
    cudaMemcpy(memory_, a.data(), a.size() * 4, cudaMemcpyHostToDevice);
    cudaMemcpy(memory_ + 128, b.data(), b.size() * 4, cudaMemcpyHostToDevice);
    EXPECT_EQ(multiplied({}), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(multiplied({.beta = 2}), CUBLAS_STATUS_SUCCESS);
    std::vector<float> d(6);
    cudaMemcpy(d.data(), memory_ + 256, 24, cudaMemcpyDeviceToHost);
    EXPECT_EQ(d, (std::vector<float>{3, 6, 9, 12, 21, 24}));
}

TEST_F(CublasLt, RefusesPointersThatTheAlgorithmWasNotChosenFor) {
    EXPECT_EQ(multiplied({}, 1), CUBLAS_STATUS_INVALID_VALUE);
    EXPECT_EQ(multiplied({.alignment = 4}, 1), CUBLAS_STATUS_SUCCESS);
    EXPECT_EQ(multiplied({.epilogue = CUBLASLT_EPILOGUE_BIAS}), CUBLAS_STATUS_INVALID_VALUE);
}

TEST_F(CublasLt, IsRecordedWhileTheStreamIsCaptured) {
    const std::vector<float> ones(12, 1.0F);
    cudaMemcpy(memory_, ones.data(), 32, cudaMemcpyHostToDevice);
    cudaMemcpy(memory_ + 128, ones.data(), 48, cudaMemcpyHostToDevice);
    cudaStream_t stream = nullptr;
    cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking);
    cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal);
    EXPECT_EQ(multiplied({.beta = 1}, 0, stream), CUBLAS_STATUS_SUCCESS);
    cudaGraph_t graph = nullptr;
    cudaStreamEndCapture(stream, &graph);
    cudaGraphExec_t program = nullptr;
    ASSERT_EQ(cudaGraphInstantiate(&program, graph, 0), cudaSuccess);
    cudaGraphLaunch(program, stream);
    cudaGraphLaunch(program, stream);
    cudaStreamSynchronize(stream);
    float first = 0;
    cudaMemcpy(&first, memory_ + 256, 4, cudaMemcpyDeviceToHost);
    EXPECT_EQ(first, 8);
    cudaGraphExecDestroy(program);
    cudaGraphDestroy(graph);
    cudaStreamDestroy(stream);
}

}  // namespace
}  // namespace r1::test
