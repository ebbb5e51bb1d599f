// SPDX-License-Identifier: Apache-2.0
#include "kernels/backend.h"

namespace r1 {

template <class T>
void Backend<T>::attention_inputs(T* qkv, const PagedCache<T>& cache, const NormedRows<T>& x,
                                  const T* w, const T* bias, const CachedRows& rows,
                                  const HeadShape& shape, double theta) {
    this->rms_norm_forward(x.normed, x.rstd, x.x, x.weight, rows.rows, x.width, x.eps);
    this->linear_forward(qkv, x.normed, w, bias, rows.rows, shape.qkv_width(), x.width);
    // Queries and keys lie behind one another in a row: one rotation turns both.
    this->rope(qkv, rows.positions, rows.rows, shape.heads + shape.kv_heads, shape.head_dim,
               shape.qkv_width(), theta, false);
    this->cache_store(cache, qkv, rows, shape);
}

template <class T>
void Backend<T>::feed_forward_inputs(T* y, T* gate_up, const NormedRows<T>& x, const T* w,
                                     std::int32_t m, std::int32_t n) {
    this->rms_norm_forward(x.normed, x.rstd, x.x, x.weight, m, x.width, x.eps);
    this->linear_forward(gate_up, x.normed, w, nullptr, m, 2 * n, x.width);
    this->swiglu_forward(y, gate_up, m, n);
}

template class Backend<Bf16>;
template class Backend<float>;
template class Backend<double>;

}  // namespace r1
