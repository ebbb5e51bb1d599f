// SPDX-License-Identifier: Apache-2.0
// Small numbers for what many charges have in common, so that a million of them fit in a small
// file and are summed without looking at a text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "slurm/billing/charge.h"

namespace r1 {

/// What a charge is in all but time. Texts are numbers of a Vocabulary.
struct ChargeKind {
    int recipe = 0;
    int user = 0;
    int account = 0;
    int cluster = 0;
    int partition = 0;
    int gpu_type = 0;
    int gpus_from = 0;
    ChargeSource source = ChargeSource::kOwn;
    bool provisional = false;
    Allocation allocated;
};

/// Numbers count from 0 in the order in which things were first asked for; they never change. The
/// empty text is number 0.
class Vocabulary {
  public:
    static constexpr int kNoRate = -1;

    Vocabulary() { number_of(std::string()); }

    int number_of(const std::string& text);
    int number_of(const Rate& rate);
    int number_of(const ChargeKind& kind);

    /// Throw std::out_of_range for a number that was never given.
    const std::string& text(int number) const { return texts_.at(index(number)); }
    const Rate& rate(int number) const { return rates_.at(index(number)); }
    const ChargeKind& kind(int number) const { return kinds_.at(index(number)); }

    int texts() const { return static_cast<int>(texts_.size()); }
    int rates() const { return static_cast<int>(rates_.size()); }
    int kinds() const { return static_cast<int>(kinds_.size()); }

  private:
    static std::size_t index(int number) { return static_cast<std::size_t>(number); }

    std::deque<std::string> texts_;
    std::deque<Rate> rates_;
    std::deque<ChargeKind> kinds_;
    std::map<std::string, int> text_numbers_;
    std::map<std::string, int> rate_numbers_;
    std::map<std::string, int> kind_numbers_;
};

}  // namespace r1
