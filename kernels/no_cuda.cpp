// SPDX-License-Identifier: Apache-2.0
// Stands for the CUDA backend in a build without CUDA.
#include "common/error.h"
#include "kernels/backend.h"
#include "kernels/cuda/stream.h"

namespace r1 {

template <class T>
std::unique_ptr<Backend<T>> make_cuda_backend(int) {
    throw Error(ExitCode::kUsage,
                "this build of r1ctl has no CUDA; build it where nvcc is (-DR1_CUDA=ON), or choose "
                "the device cpu");
}
template std::unique_ptr<Backend<Bf16>> make_cuda_backend<Bf16>(int index);
template std::unique_ptr<Backend<float>> make_cuda_backend<float>(int index);

void* cuda_stream_of(Device&) {
    return nullptr;
}

DeviceWatches* cuda_watches_of(Device&) {
    return nullptr;
}

}  // namespace r1
