// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/policy.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <vector>

#include "common/error.h"

namespace r1 {

Policy::Policy(const ModelShape& shape, Backend<float>& backend, int rank, int ranks)
    : backend_(backend),
      model_(shape, backend),
      shards_(model_.layout(), ranks),
      own_(shards_.of(rank)),
      parameters_(backend, model_.layout().size()),
      gradients_(backend, model_.layout().size()),
      first_moment_(backend, own_.size()),
      second_moment_(backend, own_.size()) {}

void Policy::set_parameters(std::span<const float> host) {
    parameters_.load(host.data(), host.size());
}

/// From the squares of every cell, added in the order of the cells.
double Policy::gradient_norm(Communicator& comm) {
    const std::vector<std::size_t>& cells = shards_.cells();
    std::vector<double> own;
    for (auto cell = std::lower_bound(cells.begin(), cells.end(), own_.first); *cell < own_.last;
         ++cell)
        own.push_back(backend_.sum_squares(gradients_.data() + *cell, *(cell + 1) - *cell));
    const std::string_view bytes(reinterpret_cast<const char*>(own.data()),
                                 own.size() * sizeof(double));
    double sum = 0;
    for (const std::string& part : comm.all_gather(bytes)) {
        for (std::size_t at = 0; at < part.size(); at += sizeof(double)) {
            double squares = 0;
            std::memcpy(&squares, part.data() + at, sizeof squares);
            sum += squares;
        }
    }
    return std::sqrt(sum);
}

double Policy::update(Communicator& comm, const OptimizerSection& optimizer, double learning_rate) {
    const double norm = gradient_norm(comm);
    if (!std::isfinite(norm))
        throw Error(ExitCode::kRunFailed,
                    "the gradient of update " + std::to_string(updates_ + 1) +
                        " is not finite; lower optimizer.learning_rate or max_grad_norm, and "
                        "resume from the last checkpoint");
    AdamWStep step;
    step.learning_rate = learning_rate;
    step.beta1 = optimizer.beta1;
    step.beta2 = optimizer.beta2;
    step.epsilon = optimizer.epsilon;
    step.weight_decay = optimizer.weight_decay;
    step.step = updates_ + 1;
    // The rule of torch.nn.utils.clip_grad_norm_.
    if (optimizer.max_grad_norm > 0)
        step.gradient_scale = std::fmin(1.0, optimizer.max_grad_norm / (norm + 1e-6));
    backend_.adamw(parameters_.data() + own_.first, gradients_.data() + own_.first,
                   first_moment_.data(), second_moment_.data(), own_.size(), step);
    comm.all_gather(parameters_.data(), shards_.ranges());
    ++updates_;
    return norm;
}

}  // namespace r1
