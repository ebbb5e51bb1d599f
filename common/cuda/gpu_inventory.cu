// SPDX-License-Identifier: Apache-2.0
#include <cuda_runtime.h>

#include <cstdio>

#include "common/error.h"
#include "common/gpu_inventory.h"

namespace r1 {

namespace {

/// "GPU-" and the 16 bytes in the groups of RFC 4122.
std::string uuid_text(const cudaUUID_t& uuid) {
    std::string text = "GPU";
    for (int i = 0; i < 16; ++i) {
        const bool group_starts = i == 0 || i == 4 || i == 6 || i == 8 || i == 10;
        char digits[4] = {};
        std::snprintf(digits, sizeof digits, group_starts ? "-%02x" : "%02x",
                      static_cast<unsigned>(static_cast<unsigned char>(uuid.bytes[i])));
        text += digits;
    }
    return text;
}

std::string bus_id_text(const cudaDeviceProp& facts) {
    char text[32] = {};
    std::snprintf(text, sizeof text, "%04x:%02x:%02x.0", static_cast<unsigned>(facts.pciDomainID),
                  static_cast<unsigned>(facts.pciBusID), static_cast<unsigned>(facts.pciDeviceID));
    return text;
}

}  // namespace

std::vector<Gpu> list_gpus() {
    std::vector<Gpu> gpus;
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess) {
        cudaGetLastError();  // else the next CUDA call would report this failure as its own
        return gpus;
    }
    for (int index = 0; index < count; ++index) {
        cudaDeviceProp facts{};
        const cudaError_t status = cudaGetDeviceProperties(&facts, index);
        if (status != cudaSuccess)
            throw_library_error("CUDA", "cudaGetDeviceProperties", cudaGetErrorString(status));
        gpus.push_back({index, uuid_text(facts.uuid), facts.name,
                        static_cast<std::int64_t>(facts.totalGlobalMem), bus_id_text(facts)});
    }
    return gpus;
}

std::optional<Gpu> current_gpu() {
    const std::vector<Gpu> gpus = list_gpus();
    if (gpus.empty()) return std::nullopt;
    int index = 0;
    const cudaError_t status = cudaGetDevice(&index);
    if (status != cudaSuccess)
        throw_library_error("CUDA", "cudaGetDevice", cudaGetErrorString(status));
    return gpus[static_cast<std::size_t>(index)];
}

}  // namespace r1
