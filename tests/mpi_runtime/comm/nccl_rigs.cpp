// SPDX-License-Identifier: Apache-2.0
// Rigs of NCCL, over streams that overtake each other in several ways.
#include "mpi_runtime/comm/tensor_groups.h"
#include "tests/emulated_gpu/nccl/deferred_device.h"
#include "tests/mpi_runtime/comm/tensor_rig.h"
#include "tests/mpi_runtime/ranks_main.h"

namespace r1::test {

namespace {

class NcclRig final : public TensorRig {
  public:
    NcclRig(Communicator& comm, const TensorGroupOptions& options)
        : group_(make_nccl_tensor_group(comm, device_.tensors(),
                                        {device_.stream(), device_.watches()}, options)) {}
    Device& device() override { return device_; }
    TensorGroup& group() override { return *group_; }

  private:
    DeferredDevice device_;
    std::unique_ptr<TensorGroup> group_;
};

}  // namespace

std::string why_rigs_cannot_run() {
    return "";
}

std::vector<std::string> rig_names() {
    return {"nccl1", "nccl2", "nccl3", "nccl4", "nccl5", "nccl6"};
}

std::unique_ptr<TensorRig> make_rig(const std::string& name, Communicator& comm,
                                    const TensorGroupOptions& options) {
    seed_streams(static_cast<std::uint64_t>(name.back()) * 1000 +
                 static_cast<std::uint64_t>(comm.rank()));
    return std::make_unique<NcclRig>(comm, options);
}

}  // namespace r1::test

int main(int argc, char** argv) {
    return r1::test::run_on_ranks(argc, argv);
}
