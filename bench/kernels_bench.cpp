// SPDX-License-Identifier: Apache-2.0
// Matrix products of the fast backend against OpenBLAS and oneDNN. The three take turns, so that a
// busy machine slows all of them; shown are medians in GF/s and ours over the better library.
// Usage: OMP_NUM_THREADS=<n> r1_bench_kernels <n>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "kernels/backend.h"

extern "C" {
void cblas_sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha,
                 const float* a, int lda, const float* b, int ldb, float beta, float* c, int ldc);
int dnnl_sgemm(char trans_a, char trans_b, std::int64_t m, std::int64_t n, std::int64_t k,
               float alpha, const float* a, std::int64_t lda, const float* b, std::int64_t ldb,
               float beta, float* c, std::int64_t ldc);
}

namespace {

using Call = std::function<void()>;

double seconds(const Call& call, int repeats) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < repeats; ++i) call();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void compare(const char* name, int m, int n, int k, const std::vector<Call>& calls) {
    constexpr int kRounds = 15;
    const double work = 2.0 * m * n * k;
    const int repeats = std::max(1, static_cast<int>(5e7 / work));
    std::vector<std::vector<double>> times(calls.size());
    for (int round = 0; round < kRounds; ++round) {
        for (std::size_t c = 0; c < calls.size(); ++c) {
            times[c].push_back(seconds(calls[c], repeats));
        }
    }
    std::vector<double> rates;
    for (auto& t : times) {
        std::nth_element(t.begin(), t.begin() + kRounds / 2, t.end());
        rates.push_back(work * repeats / t[kRounds / 2] * 1e-9);
    }
    std::printf("%-8s %5d %5d %5d  %7.1f %8.1f %7.1f   %.2f\n", name, m, n, k, rates[0], rates[1],
                rates[2], rates[0] / std::max(rates[1], rates[2]));
}

void compare_shape(r1::Backend<float>& backend, int m, int n, int k) {
    const auto size = [](int a, int b) {
        return static_cast<std::size_t>(a) * static_cast<std::size_t>(b);
    };
    std::vector<float> xs(size(m, k), 0.5F), ws(size(n, k), 0.25F), ys(size(m, n), 0.1F);
    float *x = xs.data(), *w = ws.data(), *y = ys.data();
    constexpr int kRowMajor = 101, kPlain = 111, kTransposed = 112;
    compare("forward", m, n, k,
            {[&] { backend.linear_forward(y, x, w, nullptr, m, n, k); },
             [&] { cblas_sgemm(kRowMajor, kPlain, kTransposed, m, n, k, 1, x, k, w, k, 0, y, n); },
             [&] { dnnl_sgemm('N', 'T', m, n, k, 1, x, k, w, k, 0, y, n); }});
    compare("input", m, n, k,
            {[&] { backend.linear_backward_input(x, y, w, m, n, k, false); },
             [&] { cblas_sgemm(kRowMajor, kPlain, kPlain, m, k, n, 1, y, n, w, k, 0, x, k); },
             [&] { dnnl_sgemm('N', 'N', m, k, n, 1, y, n, w, k, 0, x, k); }});
    // Zeros, so that what accumulates stays finite.
    std::fill(xs.begin(), xs.end(), 0.0F);
    compare("weight", m, n, k,
            {[&] { backend.linear_backward_weight(w, nullptr, y, x, m, n, k); },
             [&] { cblas_sgemm(kRowMajor, kTransposed, kPlain, n, k, m, 1, y, n, x, k, 1, w, k); },
             [&] { dnnl_sgemm('T', 'N', n, k, m, 1, y, n, x, k, 1, w, k); }});
}

}  // namespace

int main(int argc, char** argv) {
    const auto backend = r1::make_cpu_backend(argc > 1 ? std::atoi(argv[1]) : 1);
    std::printf("%s\n%-8s %5s %5s %5s  %7s %8s %7s   ratio\n", backend->name(), "product", "m", "n",
                "k", "r1ctl", "OpenBLAS", "oneDNN");
    for (const int m : {8, 64, 512, 2048}) {
        for (const auto& [n, k] : {std::pair{288, 96}, {96, 96}, {384, 192}, {264, 96}}) {
            compare_shape(*backend, m, n, k);
        }
    }
    compare_shape(*backend, 512, 896, 896);
    compare_shape(*backend, 512, 4864, 896);
}
