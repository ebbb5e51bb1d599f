// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/policy.h"

#include <cmath>

#include "common/error.h"

namespace r1 {

Policy::Policy(const ModelShape& shape, Backend<float>& backend)
    : backend_(backend),
      model_(shape, backend),
      parameters_(backend, model_.layout().size()),
      gradients_(backend, model_.layout().size()),
      first_moment_(backend, model_.layout().size()),
      second_moment_(backend, model_.layout().size()) {}

void Policy::set_parameters(std::span<const float> host) {
    parameters_.load(host.data(), host.size());
}

double Policy::update(Communicator& comm, const OptimizerSection& optimizer, double learning_rate) {
    comm.all_reduce(gradients_.data(), gradients_.size(), ReduceOp::kSum);
    const double norm = std::sqrt(backend_.sum_squares(gradients_.data(), gradients_.size()));
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
    backend_.adamw(parameters_.data(), gradients_.data(), first_moment_.data(),
                   second_moment_.data(), parameters_.size(), step);
    ++updates_;
    return norm;
}

}  // namespace r1
