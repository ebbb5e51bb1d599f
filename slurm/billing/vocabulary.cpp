// SPDX-License-Identifier: Apache-2.0
#include "slurm/billing/vocabulary.h"

#include <array>
#include <optional>

namespace r1 {

namespace {

template <class Thing>
int number_in(std::deque<Thing>& things, std::map<std::string, int>& numbers,
              const std::string& name, const Thing& thing) {
    const auto [found, added] = numbers.try_emplace(name, static_cast<int>(things.size()));
    if (added) things.push_back(thing);
    return found->second;
}

std::string price(const std::optional<HourlyPrice>& value) {
    return "\n" + (value ? std::to_string(value->micros) : "");
}

std::string name_of(const Rate& rate) {
    // The lengths keep apart what a separator within a name would run together.
    return std::to_string(rate.name.size()) + " " + std::to_string(rate.currency.size()) + " " +
           rate.name + rate.currency + price(rate.per_gpu_hour) + price(rate.per_core_hour) +
           price(rate.per_node_hour) + price(rate.per_billing_hour);
}

std::string name_of(const ChargeKind& kind) {
    const std::array<std::int64_t, 13> values{kind.recipe,
                                              kind.user,
                                              kind.account,
                                              kind.cluster,
                                              kind.partition,
                                              kind.gpu_type,
                                              kind.gpus_from,
                                              static_cast<std::int64_t>(kind.source),
                                              kind.provisional ? 1 : 0,
                                              kind.allocated.gpus,
                                              kind.allocated.nodes,
                                              kind.allocated.cores,
                                              kind.allocated.billing};
    return {reinterpret_cast<const char*>(values.data()), sizeof values};
}

}  // namespace

int Vocabulary::number_of(const std::string& text) {
    return number_in(texts_, text_numbers_, text, text);
}

int Vocabulary::number_of(const Rate& rate) {
    return number_in(rates_, rate_numbers_, name_of(rate), rate);
}

int Vocabulary::number_of(const ChargeKind& kind) {
    return number_in(kinds_, kind_numbers_, name_of(kind), kind);
}

}  // namespace r1
