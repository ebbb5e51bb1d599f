// SPDX-License-Identifier: Apache-2.0
#include <emulated_instructions.h>

#include <cstring>
#include <deque>
#include <vector>

#include "tests/emulated_gpu/block.h"
#include "tests/emulated_gpu/emulated_gpu.h"

namespace r1::emulated {

namespace {

struct Copy {
    std::uintptr_t target;
    const void* source;  ///< null: zeros
    std::size_t bytes;
};
using Group = std::vector<Copy>;

/// What one thread of a block has under way.
struct ThreadCopies {
    std::int64_t launch = -1;
    uint3 block{};
    Group open;
    std::deque<Group> groups;
};
thread_local std::vector<ThreadCopies> threads;

/// Those of the running thread. What an earlier block left under way is forgotten with its memory.
ThreadCopies& mine() {
    const std::size_t index =
        threadIdx.x + blockDim.x * (threadIdx.y + std::size_t{blockDim.y} * threadIdx.z);
    if (threads.size() <= index) threads.resize(index + 1);
    ThreadCopies& copies = threads[index];
    const bool same = copies.launch == launches() && copies.block.x == blockIdx.x &&
                      copies.block.y == blockIdx.y && copies.block.z == blockIdx.z;
    if (!same) copies = ThreadCopies{launches(), blockIdx, {}, {}};
    return copies;
}

}  // namespace

void copy_async(std::uintptr_t target, const void* source, int bytes, bool valid) {
    const auto size = static_cast<std::size_t>(bytes);
    if (target % size != 0 || (valid && reinterpret_cast<std::uintptr_t>(source) % size != 0))
        die("cp.async of %d bytes that are not aligned to as many", bytes);
    mine().open.push_back({target, valid ? source : nullptr, size});
}

void commit_copies() {
    ThreadCopies& copies = mine();
    copies.groups.push_back(std::move(copies.open));
    copies.open.clear();
}

void wait_copies(int pending) {
    auto& groups = mine().groups;
    for (; groups.size() > static_cast<std::size_t>(pending); groups.pop_front()) {
        for (const Copy& copy : groups.front()) {
            void* target = reinterpret_cast<void*>(copy.target);
            if (copy.source == nullptr)
                std::memset(target, 0, copy.bytes);
            else
                std::memcpy(target, copy.source, copy.bytes);
        }
    }
}

}  // namespace r1::emulated
