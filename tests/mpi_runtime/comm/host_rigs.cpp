// SPDX-License-Identifier: Apache-2.0
// Rigs of the groups that need no NCCL.
#include "mpi_runtime/comm/tensor_groups.h"
#include "tests/emulated_gpu/nccl/deferred_device.h"
#include "tests/mpi_runtime/comm/tensor_rig.h"
#include "tests/mpi_runtime/ranks_main.h"

namespace r1::test {

namespace {

class HostRig final : public TensorRig {
  public:
    explicit HostRig(Communicator& comm)
        : backend_(make_reference_backend<float>()), group_(make_host_tensor_group(comm)) {}
    Device& device() override { return *backend_; }
    TensorGroup& group() override { return *group_; }

  private:
    std::unique_ptr<Backend<float>> backend_;
    std::unique_ptr<TensorGroup> group_;
};

/// Through the host, or within the device when it is alone.
class HiddenRig final : public TensorRig {
  public:
    HiddenRig(Communicator& comm, bool local)
        : group_(local ? make_local_tensor_group(device_.tensors())
                       : make_staged_tensor_group(comm, device_.tensors())) {}
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
    return {"host", "staged", "local"};
}

std::unique_ptr<TensorRig> make_rig(const std::string& name, Communicator& comm,
                                    const TensorGroupOptions&) {
    if (name == "host") return std::make_unique<HostRig>(comm);
    return std::make_unique<HiddenRig>(comm, name == "local" && comm.size() == 1);
}

}  // namespace r1::test

int main(int argc, char** argv) {
    return r1::test::run_on_ranks(argc, argv);
}
