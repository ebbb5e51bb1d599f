// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>
#include <gtest/gtest.h>

#include <vector>

#include "common/error.h"
#include "kernels/cuda/launch.h"
#include "tests/emulated_gpu/emulated_gpu.h"

namespace r1::cuda {

namespace {

__global__ void add_one(int* value) {
    *value += 1;
}

class EmulatedStream : public testing::Test {
  protected:
    void SetUp() override {
        ASSERT_EQ(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), cudaSuccess);
        ASSERT_EQ(cudaMalloc(&value_, sizeof(int)), cudaSuccess);
        ASSERT_EQ(cudaMemset(value_, 0, sizeof(int)), cudaSuccess);
    }
    void TearDown() override {
        EXPECT_EQ(cudaFree(value_), cudaSuccess);
        EXPECT_EQ(cudaStreamDestroy(stream_), cudaSuccess);
        cudaGetLastError();
    }
    int value() const {
        int host = -1;
        EXPECT_EQ(cudaMemcpy(&host, value_, sizeof host, cudaMemcpyDeviceToHost), cudaSuccess);
        return host;
    }
    void begin() {
        ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeGlobal), cudaSuccess);
    }

    cudaStream_t stream_ = nullptr;
    cudaGraph_t graph_ = nullptr;
    int* value_ = nullptr;
};

TEST_F(EmulatedStream, CaptureRecordsAndLaunchReplays) {
    int host = 5;
    begin();
    ASSERT_EQ(cudaMemcpyAsync(value_, &host, sizeof host, cudaMemcpyHostToDevice, stream_),
              cudaSuccess);
    launch(add_one, 1, 3, 0, stream_, value_);
    cudaStreamCaptureStatus status{};
    EXPECT_EQ(cudaStreamIsCapturing(stream_, &status), cudaSuccess);
    EXPECT_EQ(status, cudaStreamCaptureStatusActive);
    ASSERT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaSuccess);
    EXPECT_EQ(value(), 0);

    cudaGraphExec_t program = nullptr;
    ASSERT_EQ(cudaGraphInstantiate(&program, graph_), cudaSuccess);
    EXPECT_EQ(cudaGraphDestroy(graph_), cudaSuccess);
    EXPECT_EQ(cudaGraphLaunch(program, stream_), cudaSuccess);
    EXPECT_EQ(value(), 8);
    host = 10;
    EXPECT_EQ(cudaGraphLaunch(program, stream_), cudaSuccess);
    EXPECT_EQ(value(), 13);
    EXPECT_EQ(cudaGraphExecDestroy(program), cudaSuccess);
}

TEST_F(EmulatedStream, CallsThatWaitSpoilACapture) {
    int* more = nullptr;
    begin();
    EXPECT_EQ(cudaMalloc(&more, 4), cudaErrorStreamCaptureUnsupported);
    EXPECT_THROW(launch(add_one, 1, 1, 0, stream_, value_), Error);
    EXPECT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaErrorStreamCaptureInvalidated);
    EXPECT_EQ(graph_, nullptr);
    begin();
    EXPECT_EQ(cudaStreamSynchronize(stream_), cudaErrorStreamCaptureUnsupported);
    EXPECT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaErrorStreamCaptureInvalidated);
    begin();
    EXPECT_EQ(cudaFree(value_), cudaErrorStreamCaptureUnsupported);
    EXPECT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaErrorStreamCaptureInvalidated);
    begin();
    EXPECT_EQ(cudaMemset(value_, 0, 4), cudaErrorStreamCaptureUnsupported);
    EXPECT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaErrorStreamCaptureInvalidated);
    EXPECT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaErrorStreamCaptureUnmatched);
}

TEST_F(EmulatedStream, ARelaxedCaptureAllowsAllocationButNoWait) {
    ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed), cudaSuccess);
    int* more = nullptr;
    EXPECT_EQ(cudaMalloc(&more, 4), cudaSuccess);
    EXPECT_EQ(cudaFree(more), cudaSuccess);
    ASSERT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaSuccess);
    EXPECT_EQ(cudaGraphDestroy(graph_), cudaSuccess);
    ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeRelaxed), cudaSuccess);
    EXPECT_EQ(cudaDeviceSynchronize(), cudaErrorStreamCaptureUnsupported);
    EXPECT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaErrorStreamCaptureInvalidated);
}

TEST_F(EmulatedStream, TheLegacyStreamSpoilsTheCaptureOfABlockingOne) {
    cudaStream_t blocking = nullptr;
    ASSERT_EQ(cudaStreamCreate(&blocking), cudaSuccess);
    ASSERT_EQ(cudaStreamBeginCapture(blocking, cudaStreamCaptureModeRelaxed), cudaSuccess);
    EXPECT_EQ(cudaMemsetAsync(value_, 0, 4), cudaErrorStreamCaptureImplicit);
    EXPECT_EQ(cudaStreamEndCapture(blocking, &graph_), cudaErrorStreamCaptureInvalidated);
    EXPECT_EQ(cudaStreamDestroy(blocking), cudaSuccess);
}

TEST_F(EmulatedStream, EventsAreReadyOutsideOfACapture) {
    cudaEvent_t event = nullptr;
    ASSERT_EQ(cudaEventCreateWithFlags(&event, cudaEventDisableTiming), cudaSuccess);
    EXPECT_EQ(cudaEventRecord(event, stream_), cudaSuccess);
    EXPECT_EQ(cudaEventQuery(event), cudaSuccess);
    EXPECT_EQ(cudaStreamWaitEvent(nullptr, event), cudaSuccess);
    begin();
    EXPECT_EQ(cudaEventRecord(event, stream_), cudaSuccess);
    EXPECT_EQ(cudaEventQuery(event), cudaErrorStreamCaptureUnsupported);
    EXPECT_EQ(cudaStreamWaitEvent(nullptr, event), cudaErrorStreamCaptureIsolation);
    EXPECT_EQ(cudaStreamEndCapture(stream_, &graph_), cudaSuccess);
    EXPECT_EQ(cudaGraphDestroy(graph_), cudaSuccess);
    EXPECT_EQ(cudaEventDestroy(event), cudaSuccess);
}

TEST_F(EmulatedStream, AStreamThatIsGoneIsRefused) {
    cudaStream_t gone = nullptr;
    ASSERT_EQ(cudaStreamCreate(&gone), cudaSuccess);
    ASSERT_EQ(cudaStreamDestroy(gone), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(gone), cudaErrorInvalidResourceHandle);
    EXPECT_EQ(cudaMemsetAsync(value_, 0, 4, gone), cudaErrorInvalidResourceHandle);
}

}  // namespace

}  // namespace r1::cuda
