// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/isa.h"

#include <algorithm>

#include "common/error.h"

namespace r1 {
namespace cpu {

// Each is kernels/cpu/backend.cpp, compiled for that instruction set.
namespace baseline {
Backend<float>* new_backend(int threads);
}
#ifdef R1_X86_64
namespace avx2 {
Backend<float>* new_backend(int threads);
}
namespace avx512 {
Backend<float>* new_backend(int threads);
}
#endif

}  // namespace cpu

namespace {

struct InstructionSet {
    const char* name;
    bool (*is_here)();
    Backend<float>* (*new_backend)(int threads);
};

constexpr InstructionSet kInstructionSets[] = {
#ifdef R1_X86_64
    {"avx512",
     [] {
         return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
                __builtin_cpu_supports("fma");
     },
     cpu::avx512::new_backend},
    {"avx2", [] { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); },
     cpu::avx2::new_backend},
#endif
    {"baseline", [] { return true; }, cpu::baseline::new_backend},
};

}  // namespace

std::vector<std::string> cpu_instruction_sets() {
    std::vector<std::string> names;
    for (const InstructionSet& set : kInstructionSets) {
        if (set.is_here()) names.emplace_back(set.name);
    }
    return names;
}

std::unique_ptr<Backend<float>> make_cpu_backend_for(std::string_view instruction_set,
                                                     int threads) {
    for (const InstructionSet& set : kInstructionSets) {
        if (set.name == instruction_set && set.is_here()) {
            return std::unique_ptr<Backend<float>>(set.new_backend(std::max(1, threads)));
        }
    }
    throw Error(ExitCode::kUsage, "this machine does not run the instruction set '" +
                                      std::string(instruction_set) + "'; it runs '" +
                                      cpu_instruction_sets().front() + "'");
}

std::unique_ptr<Backend<float>> make_cpu_backend(int threads) {
    return make_cpu_backend_for(cpu_instruction_sets().front(), threads);
}

}  // namespace r1
