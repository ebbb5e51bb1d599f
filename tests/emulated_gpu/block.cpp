// SPDX-License-Identifier: Apache-2.0
#include "tests/emulated_gpu/block.h"

#include <algorithm>
#include <atomic>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/emulated_gpu/emulated_gpu.h"
#include "tests/emulated_gpu/fiber.h"
#include "tests/emulated_gpu/memory.h"
#include "tests/emulated_gpu/symbols.h"

__thread uint3 threadIdx;
__thread uint3 blockIdx;
__thread dim3 blockDim{1, 1, 1};
__thread dim3 gridDim{1, 1, 1};

namespace r1::emulated {

namespace {

Order chosen_order = Order::kAscending;
std::uint64_t chosen_seed = 0;
std::atomic<std::int64_t> launch_count = 0;

struct Thread {
    std::unique_ptr<Fiber> fiber = std::make_unique<Fiber>();
    uint3 index{};
    const char* waits_in = nullptr;  ///< the call that it waits in; null while it may run
    unsigned waits_for = 0;          ///< the lanes that it waits for; 0: the block
    bool has_waited = false;         ///< for the kernels before
};

/// Lanes that wait for one another. Masks of the open meetings of a warp do not overlap, unless the
/// kernel is wrong, and then they stay open.
struct OpenMeeting {
    Meeting meeting;
    const char* call = nullptr;
    unsigned arrived = 0;
};

/// The block that runs, or none.
struct Block {
    const Launch* launch = nullptr;
    int threads = 0;
    int running = 0;  ///< the thread that runs; -1: none
    std::vector<Thread> thread;
    std::vector<std::vector<OpenMeeting>> meetings;  ///< of each warp
    const char* barrier = nullptr;
    int arrived = 0, voted = 0, votes = 0;
    std::unique_ptr<WatchedMemory> shared;
    std::mt19937_64 random;

    int warps() const { return (threads + 31) / 32; }
    Thread& at(int index) { return thread[static_cast<std::size_t>(index)]; }
    std::vector<OpenMeeting>& open(int warp) { return meetings[static_cast<std::size_t>(warp)]; }
};
thread_local Block block;

/// 0 … count - 1 in the order that was chosen.
std::vector<int> ordered(int count) {
    std::vector<int> order(static_cast<std::size_t>(count));
    std::iota(order.begin(), order.end(), 0);
    if (chosen_order == Order::kDescending) std::reverse(order.begin(), order.end());
    if (chosen_order == Order::kShuffled) std::shuffle(order.begin(), order.end(), block.random);
    return order;
}

bool run_thread(int index) {
    Thread& thread = block.at(index);
    if (thread.waits_in != nullptr || thread.fiber->ended()) return false;
    block.running = index;
    threadIdx = thread.index;
    thread.fiber->resume();
    block.running = -1;
    return true;
}

/// Until no lane may run; in the shuffled order for a few turns. Returns whether any did.
bool run_warp(int warp) {
    const int lanes = std::min(32, block.threads - 32 * warp);
    const bool shuffled = chosen_order == Order::kShuffled;
    int turns = shuffled ? 1 + static_cast<int>(block.random() % 4) : 1;
    bool any = false;
    for (bool again = true; again && turns > 0; turns -= shuffled ? 1 : 0) {
        again = false;
        for (const int i : ordered(lanes)) again |= run_thread(32 * warp + i);
        any |= again;
    }
    return any;
}

[[noreturn]] void die_stuck() {
    int left = 0;
    const Thread* stuck = nullptr;
    for (int i = 0; i < block.threads; ++i) {
        left += block.at(i).fiber->ended();
        if (stuck == nullptr && !block.at(i).fiber->ended()) {
            stuck = &block.at(i);
            block.running = i;
        }
    }
    threadIdx = stuck->index;
    if (stuck->waits_for == 0)
        die("waits in %s for a thread that does not come (%d of %d threads have left)",
            stuck->waits_in, left, block.threads);
    die("waits in %s for a lane of 0x%08x that does not come (%d of %d threads have left)",
        stuck->waits_in, stuck->waits_for, left, block.threads);
}

void prepare(const Launch& launch) {
    block.launch = &launch;
    block.threads = static_cast<int>(launch.block.x * launch.block.y * launch.block.z);
    block.random.seed(chosen_seed);
    block.meetings.resize(static_cast<std::size_t>(block.warps()));
    while (static_cast<int>(block.thread.size()) < block.threads) block.thread.emplace_back();
    for (int i = 0; i < block.threads; ++i) {
        const auto n = static_cast<unsigned>(i);
        block.at(i).index = {n % launch.block.x, n / launch.block.x % launch.block.y,
                             n / launch.block.x / launch.block.y};
    }
    if (block.shared == nullptr || block.shared->size() != launch.shared_bytes)
        block.shared = std::make_unique<WatchedMemory>(launch.shared_bytes);
    gridDim = launch.grid;
    blockDim = launch.block;
}

void run_block() {
    std::fill_n(block.shared->data(), block.shared->size(), static_cast<unsigned char>(0xFF));
    for (int i = 0; i < block.threads; ++i) {
        block.at(i).has_waited = false;
        block.at(i).fiber->start(block.launch->thread);
    }
    const auto ended = [](const Thread& thread) { return thread.fiber->ended(); };
    const auto end = block.thread.begin() + block.threads;
    while (!std::all_of(block.thread.begin(), end, ended)) {
        bool any = false;
        for (const int warp : ordered(block.warps())) any |= run_warp(warp);
        if (!any) die_stuck();
    }
    for (int i = 0; block.launch->ahead && i < block.threads; ++i) {
        if (block.at(i).has_waited) continue;
        block.running = i;
        threadIdx = block.at(i).index;
        die("was launched ahead and does not wait for the kernels before it");
    }
}

void wait(const char* call, unsigned lanes) {
    Thread& thread = block.at(block.running);
    thread.waits_in = call;
    thread.waits_for = lanes;
    thread.fiber->pause();
}

OpenMeeting& meeting_of(unsigned mask, const char* call) {
    auto& open = block.open(block.running / 32);
    for (OpenMeeting& one : open) {
        if (one.meeting.mask != mask) continue;
        if (std::string_view(one.call) != call)
            die("comes to %s while lanes of 0x%08x wait in %s", call, mask, one.call);
        return one;
    }
    open.push_back({{mask, {}, {}}, call, 0});
    return open.back();
}

}  // namespace

void set_order(Order order, std::uint64_t seed) {
    chosen_order = order;
    chosen_seed = seed;
}

std::int64_t launches() {
    return launch_count;
}
int block_threads() {
    return block.threads;
}
int lane() {
    return block.running % 32;
}
unsigned char* dynamic_shared_memory() {
    return block.shared->data();
}

void wait_for_earlier_kernels() {
    block.at(block.running).has_waited = true;
}

int meet_block(const char* call, bool predicate) {
    if (block.arrived == 0) block.barrier = call;
    if (std::string_view(block.barrier) != call)
        die("comes to %s while others wait in %s", call, block.barrier);
    block.voted += predicate;
    if (++block.arrived < block.threads) {
        wait(call, 0);
        return block.votes;
    }
    block.votes = block.voted;
    block.arrived = block.voted = 0;
    for (int i = 0; i < block.threads; ++i) block.at(i).waits_in = nullptr;
    return block.votes;
}

void meet_warp(unsigned mask, const char* call, const void* in, void* out,
               void (*finish)(const Meeting&)) {
    const int mine = lane();
    if ((mask >> mine & 1u) == 0) die("calls %s with mask 0x%08x, which lacks it", call, mask);
    OpenMeeting& open = meeting_of(mask, call);
    open.meeting.in[mine] = in;
    open.meeting.out[mine] = out;
    open.arrived |= 1u << mine;
    if (open.arrived != mask) return wait(call, mask);
    finish(open.meeting);
    const int first = block.running - mine;
    for_each_lane(mask, [&](int i) { block.at(first + i).waits_in = nullptr; });
    auto& all = block.open(block.running / 32);
    all.erase(all.begin() + (&open - all.data()));
}

void run(const Launch& launch) {
    ++launch_count;
    prepare(launch);
    const auto variables = static_shared_memory();
    const auto blocks = launch.grid.x * launch.grid.y * launch.grid.z;
    for (const int i : ordered(static_cast<int>(blocks))) {
        const auto n = static_cast<unsigned>(i);
        blockIdx = {n % launch.grid.x, n / launch.grid.x % launch.grid.y,
                    n / launch.grid.x / launch.grid.y};
        for (const Bytes& bytes : variables)
            std::fill_n(bytes.begin, bytes.count, static_cast<unsigned char>(0xFF));
        run_block();
    }
    block.launch = nullptr;
}

void print_place() {
    std::fprintf(stderr, "emulated GPU: ");
    if (block.launch == nullptr) return;
    std::fprintf(stderr, "kernel %s, block (%u, %u, %u), thread (%u, %u, %u): ",
                 readable_name_of(block.launch->function).c_str(), blockIdx.x, blockIdx.y,
                 blockIdx.z, threadIdx.x, threadIdx.y, threadIdx.z);
}

void die(const char* format, ...) {
    print_place();
    std::va_list arguments;
    va_start(arguments, format);
    std::vfprintf(stderr, format, arguments);
    va_end(arguments);
    std::fputc('\n', stderr);
    std::abort();
}

}  // namespace r1::emulated
