// SPDX-License-Identifier: Apache-2.0
#include "tests/crash/tools/numbered.h"

#include <random>
#include <set>
#include <stdexcept>

#include "checkpoint/manifest.h"
#include "common/error.h"
#include "tests/checkpoint/one_process_writer.h"

namespace r1::crash {
namespace {

namespace fs = std::filesystem;

std::size_t rows_of(std::int64_t number) {
    return 40 + 8 * static_cast<std::size_t>(number % 3);  // sizes differ from one to the next
}

}  // namespace

NumberedState::NumberedState(std::int64_t number)
    : number_(number), frozen_{7, 11, std::int64_t{1} << 50} {
    const auto base = static_cast<float>(number * 100000);
    for (std::size_t i = 0; i < rows_of(number) * 32; ++i)
        weights_.push_back(base + static_cast<float>(i));
    for (int i = 0; i < 300; ++i) moments_.push_back(static_cast<double>(number) / (i + 3));
    for (int i = 0; i < 5000; ++i) bytes_.push_back(static_cast<std::uint8_t>(i * 7 + number));
    const auto rows = static_cast<std::int64_t>(rows_of(number));
    views_ = {{"model/lm_head.weight", TensorType::kFloat32, {rows, 32}, weights_.data()},
              {"adam/m/lm_head.weight", TensorType::kFloat64, {300, 1}, moments_.data()},
              {"state/bytes", TensorType::kUint8, {5000}, bytes_.data()},
              {"state/empty", TensorType::kFloat32, {0, 7}, nullptr},
              {"frozen", TensorType::kInt64, {3}, frozen_.data()}};
}

void save_number(const fs::path& checkpoints, std::int64_t step, std::int64_t number) {
    const NumberedState state(number);
    make_hdf5_checkpoint_writer(checkpoints, "run")->save(step, false, state.text(), state.views());
}

void retain(const fs::path& checkpoints, std::int64_t keep_last) {
    make_hdf5_checkpoint_writer(checkpoints, "run")->retain(keep_last);
}

void save_wide(const fs::path& checkpoints, std::int64_t step, int count) {
    std::mt19937 random(1);
    std::vector<std::vector<std::int32_t>> values(static_cast<std::size_t>(count));
    std::vector<TensorView> views;
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i].resize(i * 37 % 2048 + 1);
        for (std::int32_t& value : values[i]) value = static_cast<std::int32_t>(random() | 1);
        views.push_back({"group" + std::to_string(i % 7) + "/tensor" + std::to_string(i),
                         TensorType::kInt32,
                         {static_cast<std::int64_t>(values[i].size())},
                         values[i].data()});
    }
    make_hdf5_checkpoint_writer(checkpoints, "run")->save(step, false, "wide", views);
}

Layout layout_of(const fs::path& checkpoint) {
    const Manifest manifest = read_manifest(checkpoint);
    Layout layout;
    for (const FileEntry& file : manifest.files) {
        const fs::path path = checkpoint / file.name;
        layout.files.push_back(path);
        std::uint64_t at = 0;
        for (const auto& [tensor, piece] : pieces_in(manifest, file.name)) {
            if (piece->offset > at) layout.metadata.push_back({path, at, piece->offset});
            at = piece->offset + piece->bytes;
            layout.data.push_back({path, piece->offset, at});
        }
        if (at < file.bytes) layout.metadata.push_back({path, at, file.bytes});
    }
    const fs::path path = checkpoint / kManifestName;
    layout.files.push_back(path);
    layout.metadata.push_back({path, 0, fs::file_size(path)});
    return layout;
}

std::vector<std::string> read_tensors(const fs::path& checkpoint, const Manifest& manifest) {
    std::vector<std::string> tensors;
    for (const TensorEntry& entry : manifest.tensors) {
        std::string bytes(entry.bytes(), '\0');
        read_tensor(checkpoint, manifest, entry, bytes.data());
        tensors.push_back(std::move(bytes));
    }
    return tensors;
}

std::int64_t load_number(const fs::path& checkpoint) {
    const Manifest manifest = read_manifest(checkpoint);
    const std::vector<std::string> tensors = read_tensors(checkpoint, manifest);
    const auto wrong = [&](const std::string& what) {
        throw std::runtime_error("wrong load of '" + checkpoint.string() + "': " + what);
    };
    const std::int64_t number = std::atoll(manifest.state.c_str());
    const NumberedState right(number);
    if (number < 1 || manifest.state != right.text()) wrong("the state " + manifest.state);
    if (checkpoint.filename() != checkpoint_name(manifest.step)) wrong("the step of another");
    if (tensors.size() != right.views().size()) wrong("the number of tensors");
    for (const TensorView& view : right.views()) {
        const std::string_view bytes(static_cast<const char*>(view.data), view.bytes());
        for (std::size_t i = 0; i < tensors.size(); ++i)
            if (manifest.tensors[i].name == view.name && tensors[i] != bytes) wrong(view.name);
        manifest.tensor(view.name);
    }
    return number;
}

std::int64_t newest_number(const fs::path& checkpoints) {
    std::vector<Rejected> rejected;
    const std::optional<std::int64_t> step = latest_verified(checkpoints, rejected);
    return step ? load_number(checkpoints / checkpoint_name(*step)) : 0;
}

std::vector<std::string> damaged(const fs::path& checkpoints) {
    std::vector<std::string> found;
    for (const std::int64_t step : list_checkpoints(checkpoints)) {
        try {
            verify_checkpoint(checkpoints / checkpoint_name(step));
        } catch (const Error& e) {
            found.emplace_back(e.what());
        }
    }
    return found;
}

std::vector<std::string> strays(const fs::path& checkpoint) {
    std::set<std::string> named{kManifestName};
    try {
        for (const FileEntry& file : read_manifest(checkpoint).files) named.insert(file.name);
    } catch (const Error&) {
        return {};
    }
    std::vector<std::string> found;
    for (const fs::directory_entry& entry : fs::directory_iterator(checkpoint))
        if (!named.contains(entry.path().filename().string()))
            found.push_back((checkpoint.filename() / entry.path().filename()).string());
    return found;
}

std::vector<std::string> leftovers(const fs::path& checkpoints) {
    std::vector<std::string> found;
    std::size_t folders = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(checkpoints)) {
        if (!entry.path().filename().string().starts_with("step-"))
            found.push_back(entry.path().filename().string());
        else if (entry.is_directory())
            ++folders;
    }
    const std::vector<std::int64_t> steps = list_checkpoints(checkpoints);
    if (folders != steps.size()) found.emplace_back("a strange step");
    for (const std::int64_t step : steps)
        for (std::string& stray : strays(checkpoints / checkpoint_name(step)))
            found.push_back(std::move(stray));
    return found;
}

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const std::string& word : words) text += (text.empty() ? "" : ", ") + word;
    return text;
}

}  // namespace r1::crash
