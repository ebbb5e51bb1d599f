// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/time_budget.h"

#include <algorithm>

namespace r1 {

TimeBudget::TimeBudget(double longest_save, double longest_evaluation, double epilogue)
    : longest_save_(longest_save), longest_evaluation_(longest_evaluation), epilogue_(epilogue) {}

void TimeBudget::step_took(double seconds) {
    longest_of_stage_ = std::max(longest_of_stage_, seconds);
    recent_.push_back(seconds);
    if (recent_.size() > kRecent) recent_.pop_front();
}

void TimeBudget::evaluation_took(double seconds) {
    longest_evaluation_ = std::max(longest_evaluation_, seconds);
}

void TimeBudget::save_took(double seconds) {
    longest_save_ = std::max(longest_save_, seconds);
}

double TimeBudget::needed(bool evaluation_follows) const {
    double step = longest_of_stage_;
    for (const double one : recent_) step = std::max(step, one);
    return step + (evaluation_follows ? longest_evaluation_ : 0) + 2 * longest_save_ + epilogue_;
}

}  // namespace r1
