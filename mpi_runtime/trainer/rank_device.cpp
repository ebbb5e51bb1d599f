// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/rank_device.h"

#include <vector>

#include "common/error.h"
#include "common/gpu_inventory.h"
#include "mpi_runtime/comm/launched.h"

namespace r1 {

namespace {

RankDevice make_cpu_device(const Recipe& recipe, std::string why) {
    const auto threads = static_cast<int>(recipe.resources.threads_per_rank);
    if (recipe.training.precision == Precision::kBf16)
        return {make_reference_backend<Bf16>(), "",
                why + "; training.precision is bf16, which a CPU computes in plain loops"};
    return {make_cpu_backend(threads), "", std::move(why)};
}

RankDevice make_gpu_device(const Recipe& recipe, const std::vector<Gpu>& gpus, std::string why) {
    if (recipe.deterministic == Determinism::kStrict)
        throw Error(ExitCode::kUsage,
                    "deterministic: strict needs the same bits for a row in every batch, which "
                    "matrix products on a GPU do not give; use resources.device: cpu or "
                    "deterministic: same-ranks");
    // Where Slurm shows a rank its own GPU alone, that one.
    const Gpu& own = gpus[static_cast<std::size_t>(local_rank()) % gpus.size()];
    why += ", GPU " + std::to_string(own.index) + " of " + std::to_string(gpus.size()) + ", " +
           own.uuid;
    if (recipe.training.precision == Precision::kFp32)
        return {make_cuda_backend<float>(own.index), own.uuid, std::move(why)};
    return {make_cuda_backend<Bf16>(own.index), own.uuid, std::move(why)};
}

}  // namespace

RankDevice make_rank_device(const Recipe& recipe) {
    const DeviceKind asked = recipe.resources.device;
    if (asked == DeviceKind::kCpu) return make_cpu_device(recipe, "resources.device is cpu");
    const std::vector<Gpu> gpus = list_gpus();
    if (asked == DeviceKind::kCuda) {
        if (gpus.empty())
            throw Error(ExitCode::kUsage,
                        "the recipe asks for resources.device: cuda, and this process sees no GPU "
                        "(no driver, none allocated, or a build without CUDA); use cpu or auto, or "
                        "look with `r1ctl doctor`");
        return make_gpu_device(recipe, gpus, "resources.device is cuda");
    }
    if (gpus.empty())
        return make_cpu_device(recipe, "resources.device is auto, and this process sees no GPU");
    if (recipe.deterministic == Determinism::kStrict)
        return make_cpu_device(recipe,
                               "resources.device is auto, and deterministic: strict needs a CPU");
    return make_gpu_device(recipe, gpus, "resources.device is auto");
}

}  // namespace r1
