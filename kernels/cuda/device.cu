// SPDX-License-Identifier: Apache-2.0
#include <cstdio>

#include "common/error.h"
#include "kernels/cuda/check.h"
#include "kernels/cuda/device.h"

namespace r1::cuda {
namespace {

[[noreturn]] void throw_no_gpu(const std::string& text) {
    throw Error(ExitCode::kLibrary, "CUDA: " + text);
}

std::string gibibytes(std::size_t bytes) {
    char text[32];
    std::snprintf(text, sizeof text, "%.2f GiB", static_cast<double>(bytes) / (1 << 30));
    return text;
}

/// Chooses the GPU and gives its name.
std::string open_gpu(int index) {
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status != cudaSuccess) {
        cudaGetLastError();
        throw_no_gpu(std::string("this process sees no GPU: ") + cudaGetErrorString(status));
    }
    if (index < 0 || index >= count) {
        throw_no_gpu("GPU " + std::to_string(index) + " was asked for, but this process sees " +
                     std::to_string(count) + ", counted from 0");
    }
    cudaDeviceProp facts{};
    check_cuda(cudaGetDeviceProperties(&facts, index), "cudaGetDeviceProperties");
    if (facts.major < 8) {
        throw_no_gpu("GPU " + std::to_string(index) + ", " + facts.name + ", is sm_" +
                     std::to_string(facts.major) + std::to_string(facts.minor) +
                     "; sm_80 or newer is needed");
    }
    check_cuda(cudaSetDevice(index), "cudaSetDevice");
    return std::string("cuda ") + facts.name;
}

cudaStream_t make_stream() {
    cudaStream_t stream = nullptr;
    check_cuda(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "cudaStreamCreate");
    return stream;
}

struct GraphTraits {
    using Raw = cudaGraph_t;
    static Raw null() noexcept { return nullptr; }
    static void close(Raw graph) noexcept { cudaGraphDestroy(graph); }
};

}  // namespace

CudaDevice::CudaDevice(int index)
    : name_(open_gpu(index)),
      stream_(make_stream()),
      staging_(stream_.get(), watches_),
      scratch_([this] { wait_for_watched(); }) {}

CudaDevice::~CudaDevice() {
    cudaStreamSynchronize(stream_.get());
}

void CudaDevice::refuse_while_recording(const char* call) const {
    if (recording_) throw_library_error("CUDA", call, "the device is recording its work");
}

void CudaDevice::wait_for_watched() {
    if (!recording_) watches_.wait_until_idle();
}

void* CudaDevice::allocate(std::size_t bytes) {
    refuse_while_recording("allocate");
    wait_for_watched();
    void* memory = nullptr;
    const cudaError_t status = cudaMalloc(&memory, bytes);
    if (status == cudaErrorMemoryAllocation) {
        cudaGetLastError();
        std::size_t free = 0, total = 0;
        check_cuda(cudaMemGetInfo(&free, &total), "cudaMemGetInfo");
        throw Error(ExitCode::kLibrary, "cannot allocate " + std::to_string(bytes) + " bytes (" +
                                            gibibytes(bytes) + ") on " + name_ + ": " +
                                            gibibytes(free) + " of its " + gibibytes(total) +
                                            " are free");
    }
    check_cuda(status, "cudaMalloc");
    zero(memory, bytes);
    return memory;
}

void CudaDevice::release(void* memory) noexcept {
    try {
        wait_for_watched();
    } catch (...) {
        // All work was given up, so that cudaFree ends. The next wait throws it again.
    }
    cudaFree(memory);
}

void CudaDevice::to_device(void* device, const void* host, std::size_t bytes) {
    refuse_while_recording("to_device");
    staging_.to_device(device, host, bytes);
}

void CudaDevice::to_host(void* host, const void* device, std::size_t bytes) {
    refuse_while_recording("to_host");
    staging_.to_host(host, device, bytes);
}

void CudaDevice::copy(void* target, const void* source, std::size_t bytes) {
    if (bytes == 0) return;
    check_cuda(cudaMemcpyAsync(target, source, bytes, cudaMemcpyDeviceToDevice, stream_.get()),
               "cudaMemcpyAsync within the device");
}

void CudaDevice::zero(void* memory, std::size_t bytes) {
    if (bytes == 0) return;
    check_cuda(cudaMemsetAsync(memory, 0, bytes, stream_.get()), "cudaMemsetAsync");
}

void CudaDevice::finish() {
    refuse_while_recording("finish");
    if (!watches_.empty())
        watches_.wait_until([this] {
            const cudaError_t status = cudaStreamQuery(stream_.get());
            if (status == cudaErrorNotReady) return false;
            check_cuda(status, "cudaStreamQuery");
            return true;
        });
    check_cuda(cudaStreamSynchronize(stream_.get()), "cudaStreamSynchronize");
}

void CudaDevice::replay(std::uint64_t key, const std::function<void()>& work) {
    refuse_while_recording("replay");
    auto found = records_.find(key);
    if (found != records_.end()) {
        check_cuda(cudaGraphLaunch(found->second.get(), stream_.get()), "cudaGraphLaunch");
        return;
    }
    work();
    records_.emplace(key, record(work));
}

void CudaDevice::abandon_recording() noexcept {
    if (!std::exchange(recording_, false)) return;
    cudaGraph_t captured = nullptr;
    cudaStreamEndCapture(stream_.get(), &captured);
    if (captured != nullptr) cudaGraphDestroy(captured);
    cudaGetLastError();
}

CudaDevice::Record CudaDevice::record(const std::function<void()>& work) {
    // Other threads may go on using the device.
    check_cuda(cudaStreamBeginCapture(stream_.get(), cudaStreamCaptureModeThreadLocal),
               "cudaStreamBeginCapture");
    recording_ = true;
    try {
        work();
    } catch (...) {
        abandon_recording();
        throw;
    }
    recording_ = false;
    cudaGraph_t captured = nullptr;
    check_cuda(cudaStreamEndCapture(stream_.get(), &captured), "cudaStreamEndCapture");
    const Handle<GraphTraits> graph(captured);
    cudaGraphExec_t program = nullptr;
    check_cuda(cudaGraphInstantiate(&program, graph.get(), 0), "cudaGraphInstantiate");
    return Record(program);
}

void CudaDevice::forget_replays() {
    finish();
    wait_for_watched();
    records_.clear();
    scratch_.release_outgrown();
}

std::int32_t replay_rows(std::int32_t rows) {
    const auto up_to = [&](std::int32_t step) { return (rows + step - 1) / step * step; };
    if (rows <= 2) return rows;
    if (rows <= 4) return 4;
    if (rows <= 48) return up_to(8);
    if (rows <= 96) return up_to(16);
    return rows <= 128 ? 128 : up_to(64);
}

}  // namespace r1::cuda
