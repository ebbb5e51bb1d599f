// SPDX-License-Identifier: Apache-2.0
// Attention of single rows over a paged cache. A block takes some query heads of one kv head and
// one row, and every blocks-th run of the row's positions (cached_rows.cuh); the last of the row's
// blocks to be done folds the runs in their order. The grid depends on the shapes alone, so that a
// record stays good while positions grow, and a row's bits do not depend on the grid.
#include <algorithm>
#include <cmath>
#include <string>

#include "common/error.h"
#include "kernels/cuda/cached_attention_bf16.cuh"
#include "kernels/cuda/cached_attention_float.cuh"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/ops.h"
#include "kernels/cuda/values.cuh"

namespace r1::cuda {
namespace {

// As many blocks as keep a GPU busy to the end although rows have different lengths.
constexpr std::int64_t kBlocksWanted = 2 * Counters::kCount;
// Partial results take no more; what would need more gets one block a row.
constexpr std::int64_t kScratchBytes = std::int64_t{256} << 20;
constexpr std::int32_t kLargestHead = 256;

/// Partial results of whole runs: [rows, heads, runs], of head_dim values each.
struct RunParts {
    float* values = nullptr;
    float2* weights = nullptr;  ///< maximum and sum
    std::int32_t* arrivals = nullptr;
    std::int32_t runs = 0;
};

template <class T>
struct CachedProblem {
    T* out;
    const T* qkv;
    CacheView<T> view;
    HeadShape shape;
    std::int64_t qkv_width;
    std::int32_t tiles;  ///< parts into which the query heads of a kv head are cut
    float scale;
    RunParts parts;
};

/// The four columns of a head that a thread has in its i-th turn, the same in every run.
template <class Warps>
struct Columns {
    static constexpr int kPerHead = Warps::kDim / 4;
    static constexpr int kTurns = Warps::kHeads * kPerHead / kAttentionThreads;
    int head, column;
    __device__ __forceinline__ Columns(int i) {
        const int all = static_cast<int>(threadIdx.x) + i * kAttentionThreads;
        head = all / kPerHead;
        column = all % kPerHead * 4;
    }
    __device__ __forceinline__ bool exist(const CachedHeads& h) const {
        return head < h.heads && column < h.head_dim;
    }
};

template <class Warps>
__device__ __forceinline__ void store_rounded(
    const CachedProblem<typename Warps::Value>& problem, const CachedHeads& h,
    const AttentionPart (&parts)[Columns<Warps>::kTurns]) {
    using T = typename Warps::Value;
    T* out =
        problem.out + h.row * problem.shape.heads * h.head_dim + std::int64_t{h.first} * h.head_dim;
#pragma unroll
    for (int i = 0; i < Columns<Warps>::kTurns; ++i) {
        const Columns<Warps> mine(i);
        if (!mine.exist(h)) continue;
        const AttentionPart& part = parts[i];
        const float by = part.sum == 0 ? 0 : 1 / part.sum;  // an idle row has no weights
        store<4>(out + mine.head * h.head_dim + mine.column,
                 Lanes<4>{{part.values.x * by, part.values.y * by, part.values.z * by,
                           part.values.w * by}});
    }
}

/// One run of the row, by all warps of the block, folded in the order of the warps.
template <class Warps>
__device__ __forceinline__ void attend_run(AttentionPart (&parts)[Columns<Warps>::kTurns],
                                           Warps& warps,
                                           const CacheView<typename Warps::Value>& view,
                                           const CachedHeads& h, std::int32_t run) {
    using Part = WarpPart<Warps::kHeads, Warps::kDim>;
    auto* of_warps = reinterpret_cast<Part*>(shared_memory());
    const int warp = static_cast<int>(threadIdx.x) / 32;
    const std::int32_t next = run_begin(run + 1);
    const std::int32_t end = next < h.count ? next : h.count;
    warps.clear();
    for (std::int32_t first = run_begin(run) + warp * kWarpTokens; first < end;
         first += kStepTokens)
        warps.add(view, h, first);
    __syncthreads();  // what the run before left has been read
    warps.leave(of_warps[warp]);
    __syncthreads();
#pragma unroll
    for (int i = 0; i < Columns<Warps>::kTurns; ++i) {
        const Columns<Warps> mine(i);
        parts[i] = AttentionPart{};
        for (int w = 0; w < kAttentionWarps; ++w)
            fold(parts[i], of_warps[w].at(mine.head, mine.column));
    }
}

template <class Warps>
__device__ __forceinline__ std::int64_t place_of_part(
    const CachedProblem<typename Warps::Value>& problem, const CachedHeads& h, int head,
    std::int32_t run) {
    return (h.row * problem.shape.heads + h.first + head) * problem.parts.runs + run;
}

template <class Warps>
__device__ __forceinline__ void store_parts(const CachedProblem<typename Warps::Value>& problem,
                                            const CachedHeads& h, std::int32_t run,
                                            const AttentionPart (&parts)[Columns<Warps>::kTurns]) {
#pragma unroll
    for (int i = 0; i < Columns<Warps>::kTurns; ++i) {
        const Columns<Warps> mine(i);
        if (!mine.exist(h)) continue;
        const std::int64_t place = place_of_part<Warps>(problem, h, mine.head, run);
        float* values = problem.parts.values + place * h.head_dim + mine.column;
        *reinterpret_cast<float4*>(values) = parts[i].values;
        if (mine.column == 0)
            problem.parts.weights[place] = make_float2(parts[i].maximum, parts[i].sum);
    }
}

// Past the L1 cache, which may hold what was there before other blocks wrote.
template <class Warps>
__device__ __forceinline__ void fold_stored(AttentionPart (&parts)[Columns<Warps>::kTurns],
                                            const CachedProblem<typename Warps::Value>& problem,
                                            const CachedHeads& h, std::int32_t runs) {
#pragma unroll
    for (int i = 0; i < Columns<Warps>::kTurns; ++i) {
        parts[i] = AttentionPart{};
        const Columns<Warps> mine(i);
        if (!mine.exist(h)) continue;
        const std::int64_t place = place_of_part<Warps>(problem, h, mine.head, 0);
        const float* values = problem.parts.values + place * h.head_dim + mine.column;
#pragma unroll 4
        for (std::int32_t run = 0; run < runs; ++run) {
            const float2 weights = __ldcg(problem.parts.weights + place + run);
            const auto* at =
                reinterpret_cast<const float4*>(values + std::int64_t{run} * h.head_dim);
            fold(parts[i], {weights.x, weights.y, __ldcg(at)});
        }
    }
}

/// Whether this block is the last of `blocks` to come here; the count is zero again after that.
__device__ __forceinline__ bool is_last(std::int32_t* arrivals, std::int32_t blocks) {
    __shared__ bool last;
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        last = atomicAdd(arrivals, 1) == blocks - 1;
        if (last) *arrivals = 0;
    }
    __syncthreads();
    __threadfence();
    return last;
}

template <class Warps>
__device__ __forceinline__ CachedHeads
heads_of_block(const CachedProblem<typename Warps::Value>& problem) {
    const HeadShape& shape = problem.shape;
    const std::int32_t group = shape.heads / shape.kv_heads;
    const auto y = static_cast<std::int32_t>(blockIdx.y);
    const std::int32_t before = y % problem.tiles * Warps::kHeads;  // of the group
    CachedHeads h;
    h.row = blockIdx.x;
    h.count = problem.view.rows.positions[h.row] + 1;
    h.kv_head = y / problem.tiles;
    h.first = h.kv_head * group + before;
    h.heads = group - before < Warps::kHeads ? group - before : Warps::kHeads;
    h.head_dim = shape.head_dim;
    h.scale = problem.scale;
    return h;
}

template <class Warps>
__global__ void __launch_bounds__(kAttentionThreads, Warps::kBlocks)
    attention_cached_kernel(CachedProblem<typename Warps::Value> problem) {
    wait_for_earlier_kernels();
    const CachedHeads h = heads_of_block<Warps>(problem);
    const auto first = static_cast<std::int32_t>(blockIdx.z);
    AttentionPart row[Columns<Warps>::kTurns];
    if (is_idle(problem.view.rows, problem.view.cache.page_tokens, h.count - 1)) {
        if (first == 0) store_rounded<Warps>(problem, h, row);
        return;
    }
    const std::int32_t runs = runs_of(h.count);
    const auto grid = static_cast<std::int32_t>(gridDim.z);
    const std::int32_t blocks = runs < grid ? runs : grid;
    if (first >= blocks) return;
    Warps warps;
    warps.start(problem.qkv + h.row * problem.qkv_width + std::int64_t{h.first} * h.head_dim, h);
    for (std::int32_t run = first; run < runs; run += blocks) {
        AttentionPart parts[Columns<Warps>::kTurns];
        attend_run(parts, warps, problem.view, h, run);
        if (blocks > 1) {
            store_parts<Warps>(problem, h, run, parts);
            continue;
        }
#pragma unroll
        for (int i = 0; i < Columns<Warps>::kTurns; ++i) fold(row[i], parts[i]);
    }
    if (blocks > 1) {
        const std::int64_t place = h.row * gridDim.y + blockIdx.y;
        if (!is_last(problem.parts.arrivals + place, blocks)) return;
        fold_stored<Warps>(row, problem, h, runs);
    }
    store_rounded<Warps>(problem, h, row);
}

/// The blocks that share a row's heads, with room for what they leave.
template <class T>
std::int32_t share(CachedProblem<T>& problem, Scratch& scratch) {
    const CachedRows& rows = problem.view.rows;
    const std::int64_t capacity = std::int64_t{rows.table_stride} * problem.view.cache.page_tokens;
    const std::int32_t runs =
        runs_of(static_cast<std::int32_t>(std::min<std::int64_t>(capacity, std::int64_t{1} << 30)));
    const std::int64_t units = std::int64_t{rows.rows} * problem.shape.kv_heads * problem.tiles;
    const std::int64_t places = std::int64_t{rows.rows} * problem.shape.heads * runs;
    const std::int64_t value_bytes =
        places * problem.shape.head_dim * static_cast<std::int64_t>(sizeof(float));
    const std::int64_t bytes = value_bytes + places * static_cast<std::int64_t>(sizeof(float2));
    const auto blocks =
        static_cast<std::int32_t>(std::min<std::int64_t>(runs, kBlocksWanted / units));
    if (blocks < 2 || bytes > kScratchBytes) return 1;
    auto* memory = static_cast<unsigned char*>(scratch.reserve(static_cast<std::size_t>(bytes)));
    problem.parts = {reinterpret_cast<float*>(memory),
                     reinterpret_cast<float2*>(memory + value_bytes), scratch.counters(), runs};
    return blocks;
}

template <class Warps>
void start(CachedProblem<typename Warps::Value> problem, Scratch& scratch, cudaStream_t stream) {
    const HeadShape& shape = problem.shape;
    problem.tiles = parts_of(shape.heads / shape.kv_heads, Warps::kHeads);
    const std::int32_t blocks = share(problem, scratch);
    const dim3 grid(static_cast<unsigned>(problem.view.rows.rows),
                    static_cast<unsigned>(shape.kv_heads * problem.tiles),
                    static_cast<unsigned>(blocks));
    launch_ahead(&attention_cached_kernel<Warps>, grid, kAttentionThreads,
                 kAttentionWarps * sizeof(WarpPart<Warps::kHeads, Warps::kDim>), stream, problem);
}

template <int kDim>
void start_for(const CachedProblem<Bf16>& problem, Scratch& scratch, cudaStream_t stream) {
    // 16 heads of more than 128 columns do not fit a thread's registers.
    constexpr int kMostHeads = kDim <= 128 ? 16 : 8;
    if (problem.shape.heads / problem.shape.kv_heads <= 8)
        return start<TensorAttention<8, kDim>>(problem, scratch, stream);
    start<TensorAttention<kMostHeads, kDim>>(problem, scratch, stream);
}

template <int kDim>
void start_for(const CachedProblem<float>& problem, Scratch& scratch, cudaStream_t stream) {
    start<PlainAttention<kDim>>(problem, scratch, stream);
}

}  // namespace

template <class T>
void attention_cached(T* out, const T* qkv, const PagedCache<T>& cache, const CachedRows& rows,
                      const HeadShape& shape, Scratch& scratch, cudaStream_t stream) {
    const std::int32_t dim = shape.head_dim;
    if (dim % 8 != 0 || dim > kLargestHead)
        throw Error(ExitCode::kUsage,
                    "attention on GPUs needs a head_dim that is a multiple of 8 "
                    "and at most 256, not " +
                        std::to_string(dim));
    if (rows.rows == 0) return;
    const auto scale = static_cast<float>(1.4426950408889634 / std::sqrt(static_cast<double>(dim)));
    const CachedProblem<T> problem{
        out, qkv, {cache, rows, shape.kv_width()}, shape, shape.qkv_width(), 1, scale, {}};
    if (dim <= 64) return start_for<64>(problem, scratch, stream);
    if (dim <= 128) return start_for<128>(problem, scratch, stream);
    start_for<256>(problem, scratch, stream);
}

template void attention_cached<Bf16>(Bf16*, const Bf16*, const PagedCache<Bf16>&, const CachedRows&,
                                     const HeadShape&, Scratch&, cudaStream_t);
template void attention_cached<float>(float*, const float*, const PagedCache<float>&,
                                      const CachedRows&, const HeadShape&, Scratch&, cudaStream_t);

}  // namespace r1::cuda
