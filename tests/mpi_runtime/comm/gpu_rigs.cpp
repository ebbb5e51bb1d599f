// SPDX-License-Identifier: Apache-2.0
// Rigs on GPUs: NCCL for one rank; for several what is chosen, which is the way through the host
// where they share a GPU.
#include "common/error.h"
#include "common/gpu_inventory.h"
#include "kernels/cuda/stream.h"
#include "mpi_runtime/comm/launched.h"
#include "mpi_runtime/comm/tensor_groups.h"
#include "tests/mpi_runtime/comm/tensor_rig.h"
#include "tests/mpi_runtime/ranks_main.h"

namespace r1::test {

namespace {

int own_gpu() {
    return local_rank() % static_cast<int>(list_gpus().size());
}

class GpuRig final : public TensorRig {
  public:
    GpuRig(Communicator& comm, const TensorGroupOptions& options)
        : backend_(make_cuda_backend<float>(own_gpu())), group_(make_group(comm, options)) {}
    Device& device() override { return *backend_; }
    TensorGroup& group() override { return *group_; }

  private:
    std::unique_ptr<TensorGroup> make_group(Communicator& comm, const TensorGroupOptions& options) {
        if (comm.size() > 1)
            return make_tensor_group(comm, tensor_device(*backend_), options).group;
        return make_nccl_tensor_group(comm, tensor_device(*backend_),
                                      {cuda_stream_of(*backend_), *cuda_watches_of(*backend_)},
                                      options);
    }

    std::unique_ptr<Backend<float>> backend_;
    std::unique_ptr<TensorGroup> group_;
};

}  // namespace

std::string why_rigs_cannot_run() {
    if (list_gpus().empty()) return "no GPU";
    try {
        nccl_version();
    } catch (const Error& error) {
        return std::string("no NCCL: ") + error.what();
    }
    return "";
}

std::vector<std::string> rig_names() {
    return {"gpu"};
}

std::unique_ptr<TensorRig> make_rig(const std::string&, Communicator& comm,
                                    const TensorGroupOptions& options) {
    return std::make_unique<GpuRig>(comm, options);
}

}  // namespace r1::test

int main(int argc, char** argv) {
    return r1::test::run_on_ranks(argc, argv);
}
