// SPDX-License-Identifier: Apache-2.0
// One round of the checkpoint benchmark: r1_bench_checkpoint FOLDER MIB. Writes the same bytes in
// turn as a checkpoint, past the page cache without any format, and through HDF5's own calls; each
// is synced. Prints seconds: of the writing, and of the pause that a save makes against memcpy.
#include <fcntl.h>
#include <hdf5.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>
#include <vector>

#include "checkpoint/page_buffer.h"
#include "common/file.h"
#include "common/time.h"
#include "mpi_runtime/store/collective_writer.h"

namespace {

using namespace r1;
namespace fs = std::filesystem;

constexpr std::int64_t kTensors = 32;

template <class Call>
double seconds_of(Call call) {
    const double begin = monotonic_seconds();
    call();
    return monotonic_seconds() - begin;
}

void require(bool ok, const char* what) {
    if (!ok) throw std::runtime_error(what);
}

/// The training's state: memory that is not the checkpoint's.
class State {
  public:
    explicit State(std::uint64_t bytes) : memory_(bytes), tensor_bytes_(bytes / kTensors) {
        auto* const words = reinterpret_cast<std::uint64_t*>(memory_.data());
        for (std::uint64_t i = 0; i < bytes / sizeof(std::uint64_t); ++i)
            words[i] = i * 0x9E3779B97F4A7C15u;
    }
    const std::byte* data() const { return memory_.data(); }
    std::uint64_t size() const { return tensor_bytes_ * kTensors; }
    const std::byte* tensor(std::int64_t i) const {
        return memory_.data() + static_cast<std::uint64_t>(i) * tensor_bytes_;
    }
    std::int64_t tensor_values() const { return static_cast<std::int64_t>(tensor_bytes_ / 4); }
    Volume volume() const {
        Volume volume;
        volume.prefix = kFilePrefix;
        volume.ranges.resize(1);
        for (std::int64_t i = 0; i < kTensors; ++i) {
            volume.tensors.push_back(
                {"model/" + std::to_string(i), TensorType::kFloat32, {tensor_values()}});
            volume.ranges[0].push_back({static_cast<std::size_t>(i), 0, tensor_bytes_});
            volume.own.push_back(tensor(i));
        }
        return volume;
    }

  private:
    PageBuffer memory_;
    std::uint64_t tensor_bytes_;
};

double write_raw(const State& state, const fs::path& path) {
    return seconds_of([&] {
        const FileDescriptor fd = open_file(path, O_WRONLY | O_CREAT | O_DIRECT);
        require(::fallocate(fd.get(), 0, 0, static_cast<off_t>(state.size())) == 0, "fallocate");
        constexpr std::uint64_t kCall = std::uint64_t{4} << 20;
        for (std::uint64_t at = 0; at < state.size(); at += kCall)
            require(::pwrite(fd.get(), state.data() + at, kCall, static_cast<off_t>(at)) ==
                        static_cast<ssize_t>(kCall),
                    "pwrite");
        require(::fsync(fd.get()) == 0, "fsync");
    });
}

double write_hdf5(const State& state, const fs::path& path) {
    return seconds_of([&] {
        const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
        const hsize_t count = static_cast<hsize_t>(state.tensor_values());
        for (std::int64_t i = 0; i < kTensors; ++i) {
            const hid_t space = H5Screate_simple(1, &count, nullptr);
            const hid_t set = H5Dcreate2(file, std::to_string(i).c_str(), H5T_IEEE_F32LE, space,
                                         H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
            require(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT,
                             state.tensor(i)) >= 0,
                    "H5Dwrite");
            H5Dclose(set);
            H5Sclose(space);
        }
        require(H5Fclose(file) >= 0, "H5Fclose");
        const FileDescriptor fd = open_file(path, O_RDONLY);
        require(::fsync(fd.get()) == 0, "fsync");
    });
}

struct Save {
    double pause = 0;
    double writing = 0;  ///< the background's, and the commit
};
Save save(CollectiveWriter& writer, const State& state, std::int64_t step) {
    SaveRequest request;
    request.step = step;
    request.state = "{}";
    request.volumes.push_back(state.volume());
    Save times;
    times.pause = seconds_of([&] { require(!writer.save(std::move(request)), "save"); });
    times.writing = seconds_of([&] {
        const auto ending = writer.advance(true);
        require(ending && ending->committed, "commit");
    });
    return times;
}

void round(const fs::path& folder, std::uint64_t bytes) {
    const State state(bytes);
    const auto comm = make_self_communicator();
    CollectiveWriter writer(*comm, {folder / "checkpoints", "bench", false, 0});
    save(writer, state, 0);  // the first save finds its memory not there yet
    fs::remove_all(folder / "checkpoints");
    const double raw = write_raw(state, folder / "raw");
    const Save ours = save(writer, state, 1);
    const double hdf5 = write_hdf5(state, folder / "hdf5");
    PageBuffer copy(bytes);
    const double memcpy_seconds = seconds_of([&] {
        std::memcpy(copy.data(), state.data(), bytes);
        require(copy.data()[bytes / 2] == state.data()[bytes / 2], "memcpy");
    });
    std::printf("pause %.4f\nmemcpy %.4f\nr1ctl %.4f\nraw %.4f\nH5Dwrite %.4f\n", ours.pause,
                memcpy_seconds, ours.writing, raw, hdf5);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const fs::path folder = argv[1];
    fs::create_directories(folder);
    round(folder, std::strtoull(argv[2], nullptr, 10) << 20);
    fs::remove_all(folder);
    return 0;
}
