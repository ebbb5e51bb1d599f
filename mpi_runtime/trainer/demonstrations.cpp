// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/demonstrations.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "common/error.h"
#include "common/json.h"
#include "mpi_runtime/trainer/shuffle.h"
#include "mpi_runtime/trainer/stage.h"

namespace r1 {

namespace {

Demonstration make_demonstration(const Tokenizer& tokenizer, const std::string& prompt,
                                 const std::string& completion) {
    Demonstration made{tokenizer.encode_plain(prompt), tokenizer.encode(completion)};
    made.completion.push_back(tokenizer.end_of_text());
    return made;
}

class TeacherDemonstrations final : public Demonstrations {
  public:
    TeacherDemonstrations(const Session& session, std::size_t stage)
        : session_(session), stage_(stage) {}
    Demonstration at(std::int64_t i) const override {
        const std::uint32_t number = prompt_number(stage_, i);
        const Prompt prompt = session_.task->prompt(Split::kTrain, number);
        return make_demonstration(*session_.tokenizer, prompt.text,
                                  session_.task->demonstration(prompt, number));
    }

  private:
    const Session& session_;
    std::size_t stage_;
};

class FileDemonstrations final : public Demonstrations {
  public:
    FileDemonstrations(const Session& session, std::size_t stage, const std::string& file)
        : key_(
              make_key(session.recipe.seed, Purpose::kShuffle, static_cast<std::uint32_t>(stage))) {
        std::ifstream in(file, std::ios::binary);
        if (!in) throw_system_error("read", file, ExitCode::kUsage);
        const std::int64_t longest =
            session.recipe.model_of(session.recipe.stages[stage]).max_position_embeddings;
        std::string line;
        for (int number = 1; std::getline(in, line); ++number) {
            const std::string place = file + ":" + std::to_string(number);
            const Json entry = parse_line(line, place);
            all_.push_back(
                make_demonstration(*session.tokenizer, entry.at("prompt"), entry.at("completion")));
            if (all_.back().prompt.empty())
                throw Error(ExitCode::kUsage, place + ": the prompt is empty");
            if (all_.back().rows() > longest)
                throw Error(ExitCode::kUsage,
                            place + ": " + std::to_string(all_.back().rows()) +
                                " tokens are more than the model's max_position_embeddings of " +
                                std::to_string(longest));
        }
        if (all_.empty())
            throw Error(ExitCode::kUsage, "'" + file + "' holds no demonstration to train on");
    }

    Demonstration at(std::int64_t i) const override {
        const auto size = static_cast<std::int64_t>(all_.size());
        if (order_.empty() || pass_ != i / size) {
            pass_ = i / size;
            order_ = shuffled_order(all_.size(), key_, static_cast<std::uint32_t>(pass_), 0);
        }
        return all_[order_[static_cast<std::size_t>(i % size)]];
    }

  private:
    static Json parse_line(const std::string& line, const std::string& place) {
        Json entry = Json::parse(line, nullptr, false);
        const auto is_text = [&](const char* key) {
            return entry.contains(key) && entry[key].is_string();
        };
        if (!entry.is_object() || !is_text("prompt") || !is_text("completion"))
            throw Error(ExitCode::kUsage,
                        place + R"(: expected {"prompt": "…", "completion": "…"} on the line)");
        return entry;
    }

    PhiloxKey key_;
    std::vector<Demonstration> all_;
    mutable std::int64_t pass_ = -1;
    mutable std::vector<std::size_t> order_;  // of the current pass
};

}  // namespace

std::unique_ptr<Demonstrations> make_demonstrations(const Session& session, std::size_t stage) {
    const std::string& data = session.recipe.stages[stage].data;
    constexpr std::string_view kStagePrefix = "stage:";
    if (data == "demonstrations") return std::make_unique<TeacherDemonstrations>(session, stage);
    if (data.starts_with(kStagePrefix))
        return std::make_unique<FileDemonstrations>(
            session, stage, session.run.samples_of(data.substr(kStagePrefix.size())).string());
    return std::make_unique<FileDemonstrations>(session, stage, data);
}

}  // namespace r1
