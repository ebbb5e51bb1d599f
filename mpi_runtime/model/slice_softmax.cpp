// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/model/slice_softmax.h"

#include <algorithm>
#include <cmath>

#include "mpi_runtime/model/value_type.h"

namespace r1 {

SoftmaxWhole merge_softmax(std::span<const SoftmaxPart> parts, std::size_t holder,
                           std::size_t own) {
    double largest = parts[0].log_sum;
    for (const SoftmaxPart& part : parts) largest = std::max(largest, part.log_sum);
    double sum = 0;
    for (const SoftmaxPart& part : parts) sum += std::exp(part.log_sum - largest);
    const double log_sum = largest + std::log(sum);
    SoftmaxWhole whole;
    whole.logprob = parts[holder].scaled - log_sum;
    whole.log_share = parts[own].log_sum - log_sum;
    for (const SoftmaxPart& part : parts) {
        const double log_share = part.log_sum - log_sum;
        const double share = std::exp(log_share);
        // 0 · log 0 is 0.
        if (share > 0) whole.entropy += share * (part.entropy - log_share);
    }
    return whole;
}

template <class T>
SliceSoftmax<T>::SliceSoftmax(Backend<T>& backend, const ModelShape& shape, TensorGroup& slices,
                              std::int32_t chunk_rows)
    : backend_(backend), shape_(shape), slices_(slices), part_(shape.vocabulary_part()) {
    const auto rows = static_cast<std::size_t>(chunk_rows);
    numbers_ = Array<Wide<T>>(backend, rows * kNumbers * static_cast<std::size_t>(shape.slices));
    gradient_ = Array<Wide<T>>(backend, rows);
    held_gradient_ = Array<T>(backend, rows);
    for (Array<std::int32_t>* array : {&columns_, &places_, &held_columns_, &held_places_})
        *array = Array<std::int32_t>(backend, rows);
}

template <class T>
void SliceSoftmax<T>::find_targets(const std::int32_t* targets, std::int32_t count) {
    const auto rows = static_cast<std::size_t>(count);
    ids_.resize(rows);
    backend_.to_host(ids_.data(), targets, rows * sizeof(std::int32_t));
    std::vector<std::int32_t> columns, places, held_columns, held_places;
    for (std::int32_t i = 0; i < count; ++i) {
        const std::int32_t id = ids_[static_cast<std::size_t>(i)];
        const bool held = part_.holds(id);
        columns.push_back(held ? id - part_.first : 0);
        held_columns.push_back(held ? id - part_.first : -1);
        places.push_back(i * part_.count + columns.back());
        if (held) held_places.push_back(places.back());
    }
    columns_.load(columns.data(), rows);
    places_.load(places.data(), rows);
    held_columns_.load(held_columns.data(), rows);
    if (!held_places.empty()) held_places_.load(held_places.data(), held_places.size());
}

template <class T>
typename SliceSoftmax<T>::Rows SliceSoftmax<T>::forward(const Wide<T>* logits,
                                                        const std::int32_t* targets,
                                                        std::int32_t count, double temperature) {
    temperature_ = temperature;
    find_targets(targets, count);
    const auto rows = static_cast<std::size_t>(count);
    const auto slices = static_cast<std::size_t>(shape_.slices);
    Wide<T>* const own = numbers_.data() + static_cast<std::size_t>(shape_.slice) * kNumbers * rows;
    backend_.logprob_forward(own, own + rows, logits, columns_.data(), count, part_.count,
                             temperature);
    backend_.gather_wide_rows(own + 2 * rows, logits, places_.data(), count, 1);
    std::vector<ValueRange> ranges;
    for (std::size_t slice = 0; slice < slices; ++slice)
        ranges.push_back({slice * kNumbers * rows, (slice + 1) * kNumbers * rows});
    slices_.all_gather(numbers_.data(), value_type_of<Wide<T>>(), ranges);
    const std::vector<Wide<T>> numbers = numbers_.to_host(slices * kNumbers * rows);

    // As the backend rounds it: only then do its numbers give the part's sum.
    const auto inverse =
        static_cast<double>(static_cast<Wide<T>>(temperature == 0 ? 1 : 1 / temperature));
    Rows result;
    log_shares_.clear();
    std::vector<SoftmaxPart> parts(slices);
    for (std::size_t i = 0; i < rows; ++i) {
        std::size_t holder = 0;
        for (std::size_t slice = 0; slice < slices; ++slice) {
            const Wide<T>* const at = numbers.data() + slice * kNumbers * rows + i;
            const double scaled = static_cast<double>(at[2 * rows]) * inverse;
            parts[slice] = {scaled - static_cast<double>(at[0]), static_cast<double>(at[rows]),
                            scaled};
            if (shape_.vocabulary_of(static_cast<std::int32_t>(slice)).holds(ids_[i]))
                holder = slice;
        }
        const SoftmaxWhole whole =
            merge_softmax(parts, holder, static_cast<std::size_t>(shape_.slice));
        // Rounded as one rank's are: what is kept of a log-probability is Wide<T>, and must be
        // equal to what is computed again.
        result.logprob.push_back(static_cast<double>(static_cast<Wide<T>>(whole.logprob)));
        result.entropy.push_back(static_cast<double>(static_cast<Wide<T>>(whole.entropy)));
        log_shares_.push_back(whole.log_share);
    }
    return result;
}

// d logprob / d logit[j] = (1[j = target] − share · p[j]) / temperature, where p is of the part
// alone: share · (1[j = target] − p[j]) and, for the target, 1 − share.
template <class T>
void SliceSoftmax<T>::backward(T* dlogits, const Wide<T>* logits,
                               std::span<const double> gradient) {
    const double inverse = temperature_ == 0 ? 1 : 1 / temperature_;
    std::vector<Wide<T>> shared;
    std::vector<T> held;
    for (std::size_t i = 0; i < gradient.size(); ++i) {
        shared.push_back(static_cast<Wide<T>>(gradient[i] * std::exp(log_shares_[i])));
        const double rest = -std::expm1(log_shares_[i]);
        if (part_.holds(ids_[i]))
            held.push_back(static_cast<T>(static_cast<Wide<T>>(gradient[i] * inverse * rest)));
    }
    gradient_.load(shared.data(), shared.size());
    const auto rows = static_cast<std::int32_t>(gradient.size());
    backend_.logprob_backward(dlogits, logits, gradient_.data(), held_columns_.data(), rows,
                              part_.count, temperature_);
    if (held.empty()) return;
    held_gradient_.load(held.data(), held.size());
    backend_.scatter_add_rows(dlogits, held_gradient_.data(), held_places_.data(),
                              static_cast<std::int32_t>(held.size()), 1);
}

template <class T>
Wide<T>* SliceSoftmax<T>::room(std::int32_t count) {
    const auto rows = static_cast<std::size_t>(count);
    gathered_.reserve(backend_, rows * static_cast<std::size_t>(shape_.vocabulary));
    return gathered_.data() + rows * static_cast<std::size_t>(part_.first);
}

template <class T>
void SliceSoftmax<T>::gather(Wide<T>* logits, std::int32_t count) {
    const auto rows = static_cast<std::size_t>(count);
    std::vector<ValueRange> ranges;
    for (std::int32_t slice = 0; slice < shape_.slices; ++slice) {
        const TablePart part = shape_.vocabulary_of(slice);
        ranges.push_back({rows * static_cast<std::size_t>(part.first),
                          rows * static_cast<std::size_t>(part.first + part.count)});
    }
    slices_.all_gather(gathered_.data(), value_type_of<Wide<T>>(), ranges);
    for (std::int32_t slice = 0; slice < shape_.slices; ++slice) {
        const TablePart part = shape_.vocabulary_of(slice);
        backend_.copy_columns(logits, shape_.vocabulary, part.first,
                              gathered_.data() + ranges[static_cast<std::size_t>(slice)].first,
                              part.count, 0, count, part.count);
    }
}

template class SliceSoftmax<Bf16>;
template class SliceSoftmax<float>;
template class SliceSoftmax<double>;

}  // namespace r1
