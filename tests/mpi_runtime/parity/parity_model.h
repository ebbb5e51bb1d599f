// SPDX-License-Identifier: Apache-2.0
// A model of a fixture on one backend, and how close it has to come.
#pragma once

#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "kernels/cpu/isa.h"
#include "mpi_runtime/trainer/model_runner.h"
#include "tests/mpi_runtime/parity/reference_file.h"

namespace r1::test {

/// Both sides compute in fp64 (eps 1.1e-16) and fixtures keep 14 digits; what is left is the order
/// of sums over at most 29 terms through two layers. A wrong epsilon in one norm shows at 1e-6.
constexpr double kDoubleTolerance = 1e-12;
/// The fast backend computes in fp32 (eps 6e-8) with its own exp; the fixture is exact beside that.
/// Values pass through some ten roundings in a row, gradients back through as many again.
constexpr double kFloatTolerance = 1e-5;
constexpr double kFloatGradientTolerance = 3e-5;

template <class T>
constexpr double kTolerance = std::is_same_v<T, float> ? kFloatTolerance : kDoubleTolerance;
template <class T>
constexpr double kGradientTolerance =
    std::is_same_v<T, float> ? kFloatGradientTolerance : kDoubleTolerance;

/// Calls `check` with the fast backend of each instruction set of this machine.
template <class Check>
void with_every_fast_backend(Check&& check) {
    for (const std::string& instruction_set : cpu_instruction_sets()) {
        SCOPED_TRACE(instruction_set);
        check(make_cpu_backend_for(instruction_set, 1));
    }
}

template <class T>
struct ParityModel {
    ParityModel(const std::string& name, std::unique_ptr<Backend<T>> made)
        : reference(load_reference(name)),
          backend(std::move(made)),
          model(reference_shape(reference), *backend),
          runner(model),
          batch(reference_batch(reference)),
          parameters(*backend, model.layout().size()),
          gradients(*backend, model.layout().size()) {
        const std::vector<double> wide = reference_parameters(reference, model.layout());
        const std::vector<T> host(wide.begin(), wide.end());
        parameters.load(host.data(), host.size());
    }

    /// The logits of every row.
    std::vector<T> logits() {
        DeviceBatch device;
        device.load(*backend, batch);
        Activations<T> activations;
        model.forward(parameters.data(), device, activations);
        const std::int32_t rows = batch.rows();
        const auto count =
            static_cast<std::size_t>(rows) * static_cast<std::size_t>(model.shape().vocabulary);
        Array<T> result(*backend, count);
        OutputHead<T>(model, rows)
            .logits(parameters.data(), activations.hidden.data(), rows, result.data());
        return result.to_host(count);
    }
    std::vector<T> gradient_of(TokenLoss& loss, double temperature) {
        gradients.zero();
        runner.accumulate_gradient(parameters.data(), gradients.data(), batch, temperature, loss);
        return gradients.to_host(gradients.size());
    }

    nlohmann::json reference;
    std::unique_ptr<Backend<T>> backend;
    Transformer<T> model;
    ModelRunner<T> runner;
    PackedBatch batch;
    Array<T> parameters, gradients;
};

}  // namespace r1::test
