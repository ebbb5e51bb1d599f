// SPDX-License-Identifier: Apache-2.0
// Launching a kernel on the emulated GPU.
#pragma once

#include <emulated/runtime.h>

#include <cstddef>
#include <functional>
#include <tuple>
#include <utility>

enum cudaLaunchAttributeID { cudaLaunchAttributeProgrammaticStreamSerialization = 6 };
struct cudaLaunchAttribute {
    cudaLaunchAttributeID id;
    struct {
        int programmaticStreamSerializationAllowed;
    } val;
};
struct cudaLaunchConfig_t {
    dim3 gridDim;
    dim3 blockDim;
    std::size_t dynamicSmemBytes;
    cudaStream_t stream;
    cudaLaunchAttribute* attrs;
    unsigned numAttrs;
};

struct cudaFuncAttributes {
    int ptxVersion;
};
enum cudaFuncAttribute {
    cudaFuncAttributeMaxDynamicSharedMemorySize = 8,
    cudaFuncAttributePreferredSharedMemoryCarveout = 9,
};

namespace r1::emulated {

/// One kernel and its arguments, ready to run as often as wanted.
struct Launch {
    const void* function = nullptr;
    dim3 grid, block;
    std::size_t shared_bytes = 0;
    bool ahead = false;            ///< may begin before what was asked for earlier has ended
    std::function<void()> thread;  ///< what each thread does
};

/// No other attribute is known.
inline bool is_ahead(const cudaLaunchConfig_t& config) {
    return config.numAttrs > 0 && config.attrs[0].val.programmaticStreamSerializationAllowed != 0;
}
cudaError_t launch(Launch launch, cudaStream_t stream);
cudaError_t set_attribute(const void* function, cudaFuncAttribute attribute, int value);

}  // namespace r1::emulated

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
    return r1::emulated::launch(
        {reinterpret_cast<const void*>(kernel), config->gridDim, config->blockDim,
         config->dynamicSmemBytes, r1::emulated::is_ahead(*config),
         [kernel, values = std::tuple<Parameters...>(std::forward<Arguments>(arguments)...)] {
             std::apply(kernel, values);
         }},
        config->stream);
}
template <class Function>
cudaError_t cudaFuncSetAttribute(Function* kernel, cudaFuncAttribute attribute, int value) {
    return r1::emulated::set_attribute(reinterpret_cast<const void*>(kernel), attribute, value);
}
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, const void* function);
template <class Function>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, Function* kernel) {
    return cudaFuncGetAttributes(attributes, reinterpret_cast<const void*>(kernel));
}
/// The kernel's mangled name.
cudaError_t cudaFuncGetName(const char** name, const void* function);
template <class Function>
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, Function*, int threads,
                                                          std::size_t) {
    *blocks = 2048 / threads;
    return cudaSuccess;
}
