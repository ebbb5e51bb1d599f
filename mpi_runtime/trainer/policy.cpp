// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/trainer/policy.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/error.h"

namespace r1 {

template <class T>
Policy<T>::Policy(const ModelShape& shape, Backend<T>& backend, TensorGroup& group, ZeroStage stage,
                  TensorGroup* slices)
    : backend_(backend),
      group_(group),
      slices_(slices),
      stage_(stage),
      model_(shape, backend, slices),
      shards_(model_.layout(), group.size()),
      own_(shards_.of(group.rank())),
      weights_(backend, whole_weights() ? size() : own_.size()),
      gradients_(backend, whole_gradients() ? size() : own_.size()),
      first_moment_(backend, own_.size()),
      second_moment_(backend, own_.size()) {
    if constexpr (!std::is_same_v<T, float>) master_ = Array<float>(backend, own_.size());
    if (!whole_weights())
        gatherer_ = std::make_unique<SectionGatherer<T>>(backend, group, model_.layout(),
                                                         shards_.ranges(), weights_.data());
}

template <class T>
Weights<T> Policy<T>::weights() {
    if (gatherer_) return Weights<T>(*gatherer_);
    return Weights<T>(weights_.data());
}

template <class T>
float* Policy<T>::master() {
    if constexpr (std::is_same_v<T, float>) {
        return own_weights();
    } else {
        return master_.data();
    }
}

template <class T>
void Policy<T>::set_parameters(std::span<const float> host) {
    const std::span<const float> own = host.subspan(own_.first, own_.size());
    const std::span<const float> kept = whole_weights() ? host : own;
    if constexpr (std::is_same_v<T, float>) {
        weights_.load(kept.data(), kept.size());
    } else {
        master_.load(own.data(), own.size());
        const std::vector<T> narrowed(kept.begin(), kept.end());
        weights_.load(narrowed.data(), narrowed.size());
    }
    if (gatherer_) gatherer_->forget();
}

template <class T>
std::vector<double> Policy<T>::own_squares() {
    std::vector<std::size_t> bounds;
    const auto add = [&](std::size_t place) {
        if (place >= own_.first && place <= own_.last) bounds.push_back(place - own_.first);
    };
    for (const std::size_t cell : shards_.cells()) add(cell);
    std::vector<ValueRange> elsewhere;  // what every slice has is counted in the first
    if (slices_ != nullptr) {
        for (const ParameterView& view : model_.layout().views()) {
            add(view.offset);
            add(view.offset + view.count);
            if (view.cut == Cut::kNone && slices_->rank() != 0)
                elsewhere.push_back({view.offset, view.offset + view.count});
        }
    }
    std::sort(bounds.begin(), bounds.end());
    bounds.erase(std::unique(bounds.begin(), bounds.end()), bounds.end());
    std::vector<double> squares(bounds.size() - 1);
    backend_.sum_squares(squares.data(), own_gradients(), bounds);
    for (std::size_t i = 0; i < squares.size(); ++i)
        for (const ValueRange& range : elsewhere)
            if (own_.first + bounds[i] >= range.first && own_.first + bounds[i] < range.last)
                squares[i] = 0;
    return squares;
}

/// The same bits on all of them.
template <class T>
double Policy<T>::sum_over_slices(double value) {
    if (slices_ == nullptr) return value;
    const auto count = static_cast<std::size_t>(slices_->size());
    std::vector<double> host(count, 0);
    host[static_cast<std::size_t>(slices_->rank())] = value;
    Array<double> values(backend_, count);
    values.load(host.data(), count);
    std::vector<ValueRange> ranges;
    for (std::size_t slice = 0; slice < count; ++slice) ranges.push_back({slice, slice + 1});
    slices_->all_gather(values.data(), ValueType::kFloat64, ranges);
    double sum = 0;
    for (const double one : values.to_host(count)) sum += one;
    return sum;
}

/// From the squares of every cell, added in the order of the cells.
template <class T>
double Policy<T>::gradient_norm(Communicator& comm) {
    const std::vector<double> own = own_squares();
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
    return std::sqrt(sum_over_slices(sum));
}

template <class T>
double Policy<T>::update(Communicator& comm, const OptimizerSection& optimizer,
                         double learning_rate) {
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
    backend_.adamw(own_weights(), master(), own_gradients(), first_moment_.data(),
                   second_moment_.data(), own_.size(), step);
    if (gatherer_) {
        gatherer_->forget();
    } else {
        group_.all_gather(weights_.data(), value_type_of<T>(), shards_.ranges());
    }
    ++updates_;
    return norm;
}

template class Policy<Bf16>;
template class Policy<float>;

}  // namespace r1
