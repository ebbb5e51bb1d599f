// SPDX-License-Identifier: Apache-2.0
#include "cli/commands/checkpoint_diff.h"

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <ostream>

#include "cli/commands/checkpoint_compare.h"
#include "cli/commands/checkpoint_target.h"
#include "cli/output/numbers.h"
#include "cli/output/table.h"
#include "cli/runs_folder.h"
#include "common/error.h"
#include "common/text.h"

namespace r1::cli {

namespace {

/// A tensor that is not the same in both.
struct TensorDifference {
    std::string name;
    const TensorEntry* a = nullptr;  ///< nullptr: only in b
    const TensorEntry* b = nullptr;
    ValueDifference values;  ///< where type and shape are the same
};

struct Comparison {
    std::size_t equal = 0;
    std::vector<TensorDifference> tensors;
    std::vector<StateDifference> state;
    bool same() const { return tensors.empty() && state.empty(); }
};

/// "RUN:STEP" or a target; a run or folder without a step is its newest checkpoint.
FoundCheckpoint find_one(const std::filesystem::path& runs, const std::string& text) {
    const std::size_t colon = text.rfind(':');
    std::int64_t step = 0;
    const char* const end = text.data() + text.size();
    std::error_code error;
    if (colon != std::string::npos && !std::filesystem::exists(text, error)) {
        const auto parsed = std::from_chars(text.data() + colon + 1, end, step);
        if (parsed.ec == std::errc{} && parsed.ptr == end)
            return find_checkpoints(runs, text.substr(0, colon)).choose(step);
    }
    return find_checkpoints(runs, text).choose(std::nullopt);
}

bool same_kind(const TensorEntry& a, const TensorEntry& b) {
    return a.type == b.type && a.shape == b.shape;
}

Comparison compare(const Side& a, const Side& b) {
    Comparison result;
    std::map<std::string, TensorDifference> by_name;
    for (const TensorEntry& tensor : a.manifest.tensors) by_name[tensor.name].a = &tensor;
    for (const TensorEntry& tensor : b.manifest.tensors) by_name[tensor.name].b = &tensor;
    for (auto& [name, one] : by_name) {
        one.name = name;
        if (one.a != nullptr && one.b != nullptr && same_kind(*one.a, *one.b)) {
            one.values = compare_values(a, *one.a, b, *one.b);
            if (one.values.different == 0) {
                ++result.equal;
                continue;
            }
        }
        result.tensors.push_back(std::move(one));
    }
    result.state = compare_states(a.manifest.state, b.manifest.state);
    return result;
}

std::string kind_text(const TensorEntry& tensor) {
    std::string text = std::string(to_string(tensor.type)) + " [";
    for (std::size_t i = 0; i < tensor.shape.size(); ++i)
        text += (i == 0 ? "" : ", ") + std::to_string(tensor.shape[i]);
    return text + "]";
}

const char* difference_name(const TensorDifference& one) {
    if (one.a == nullptr) return "only in b";
    if (one.b == nullptr) return "only in a";
    return same_kind(*one.a, *one.b) ? "values" : "type or shape";
}

std::string scientific(double value) {
    char text[64];
    std::snprintf(text, sizeof text, "%.3g", value);
    return text;
}

std::string place_text(const std::vector<std::int64_t>& place) {
    std::string text;
    for (const std::int64_t index : place)
        text += (text.empty() ? "" : ", ") + std::to_string(index);
    return "[" + text + "]";
}

std::string what_text(const TensorDifference& one) {
    if (one.a == nullptr || one.b == nullptr)
        return std::string(difference_name(one)) + " (" +
               kind_text(one.a == nullptr ? *one.b : *one.a) + ")";
    if (!same_kind(*one.a, *one.b))
        return kind_text(*one.a) + " in a, " + kind_text(*one.b) + " in b";
    const ValueDifference& v = one.values;
    return std::to_string(v.different) + " of " + std::to_string(v.values) +
           " values differ, by at most " + scientific(v.largest_absolute) + " (relative " +
           scientific(v.largest_relative) + "), first at " + place_text(v.first) +
           (v.not_finite == 0 ? "" : ", " + std::to_string(v.not_finite) + " not finite");
}

Json tensor_json(const TensorDifference& one) {
    const auto kind = [](const TensorEntry* tensor) {
        if (tensor == nullptr) return Json();
        return Json{{"type", to_string(tensor->type)}, {"shape", tensor->shape}};
    };
    Json record{{"name", one.name},
                {"difference", difference_name(one)},
                {"a", kind(one.a)},
                {"b", kind(one.b)}};
    const ValueDifference& v = one.values;
    if (v.different != 0) {
        record["values"] = v.values;
        record["different"] = v.different;
        record["not_finite"] = v.not_finite;
        record["largest_absolute"] = v.largest_absolute;
        record["largest_relative"] = v.largest_relative;
        record["first"] = v.first;
    }
    return record;
}

Json to_json(const Side& a, const Side& b, const Comparison& result) {
    const auto side = [](const Side& one) {
        return Json{{"path", one.path.string()},
                    {"run_id", one.manifest.run_id},
                    {"step", one.manifest.step}};
    };
    const auto value = [](const std::string& text) { return text.empty() ? Json() : Json(text); };
    Json record{{"schema", 1},
                {"a", side(a)},
                {"b", side(b)},
                {"equal", result.same()},
                {"equal_tensors", result.equal},
                {"tensors", Json::array()},
                {"state", Json::array()}};
    for (const TensorDifference& one : result.tensors)
        record["tensors"].push_back(tensor_json(one));
    for (const StateDifference& one : result.state)
        record["state"].push_back(Json{{"key", one.key}, {"a", value(one.a)}, {"b", value(one.b)}});
    return record;
}

void print(const Side& a, const Side& b, const Comparison& result, std::ostream& out) {
    const auto line = [&](const char* name, const Side& side) {
        out << name << ": step " << side.manifest.step << " of " << printable(side.manifest.run_id)
            << ", " << printable(side.path.string()) << '\n';
    };
    line("a", a);
    line("b", b);
    for (const TensorDifference& one : result.tensors)
        out << "tensor " << printable(one.name) << ": " << what_text(one) << '\n';
    const auto value = [](const std::string& text) { return text.empty() ? "-" : printable(text); };
    for (const StateDifference& one : result.state)
        out << "state" << (one.key.empty() ? "" : " " + printable(one.key)) << ": " << value(one.a)
            << " in a, " << value(one.b) << " in b\n";
    out << counted(static_cast<std::int64_t>(result.equal), "tensor") << " equal, "
        << result.tensors.size() << " different; state "
        << (result.state.empty() ? "equal" : "different") << '\n';
    if (!result.tensors.empty())
        out << "next: r1ctl checkpoint show " << as_argument(a.path.string()) << " --tensor "
            << as_argument(printable(result.tensors.front().name)) << '\n';
    else
        out << "next: r1ctl checkpoint show " << as_argument(a.path.string()) << '\n';
}

}  // namespace

void add_checkpoint_diff(CLI::App& app, Context& context) {
    auto options = std::make_shared<CheckpointDiffOptions>();
    CLI::App* command = app.add_subcommand("diff", "Say how two checkpoints differ");
    const std::string what = "RUN:STEP, or a folder; without a step its newest";
    command->add_option("a", options->a, what)->required();
    command->add_option("b", options->b, what)->required();
    add_runs_option(*command, options->runs);
    command->add_flag("--json", options->json, "Print JSON (schema 1)");
    command->footer(
        "Tensors and state are compared, not metrics or times. Blocks of equal hash are not read.\n"
        "Exit codes: 0 equal, 1 different, 2 usage, 5 a damaged block had to be read.");
    command->callback(
        [options, &context] { context.exit_code = run_checkpoint_diff(*options, context); });
}

int run_checkpoint_diff(const CheckpointDiffOptions& options, Context& context) {
    const FoundCheckpoint found_a = find_one(options.runs, options.a);
    const FoundCheckpoint found_b = find_one(options.runs, options.b);
    const Manifest manifest_a = read_manifest(found_a.path);
    const Manifest manifest_b = read_manifest(found_b.path);
    const Side a{found_a.path, manifest_a};
    const Side b{found_b.path, manifest_b};
    const Comparison result = compare(a, b);
    if (options.json)
        print_json(to_json(a, b, result), context.out);
    else
        print(a, b, result, context.out);
    return result.same() ? 0 : 1;
}

}  // namespace r1::cli
