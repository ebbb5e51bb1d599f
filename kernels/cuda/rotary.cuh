// SPDX-License-Identifier: Apache-2.0
// Rotary position embedding (Su et al. 2021), half-split: value j of a head is turned with value
// j + half. Angles, cosines and sines are computed in double as the reference does.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace r1::cuda {

inline constexpr std::int32_t kMostPairs = 256;

/// What the angle of pair j grows by with each position.
struct Frequencies {
    double of[kMostPairs];
};
/// Throws Error (kUsage) when head_dim is more than 2 · kMostPairs.
Frequencies frequencies_of(double theta, std::int32_t head_dim);

struct Rotation {
    float cosine, sine;
    Rotation() = default;
    __device__ Rotation(std::int32_t position, double frequency) {
        double s = 0, c = 0;
        sincos(position * frequency, &s, &c);
        cosine = static_cast<float>(c);
        sine = static_cast<float>(s);
    }
    __device__ void turn(float& a, float& b) const {
        const float turned = a * cosine - b * sine;
        b = b * cosine + a * sine;
        a = turned;
    }
};

}  // namespace r1::cuda
