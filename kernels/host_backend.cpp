// SPDX-License-Identifier: Apache-2.0
#include "kernels/host_backend.h"

#include <cstring>

#include "kernels/host_memory.h"

namespace r1 {

template <class T>
bool HostBackend<T>::shares_host_memory() const {
    return true;
}

template <class T>
void* HostBackend<T>::allocate(std::size_t bytes) {
    return allocate_host(bytes);
}

template <class T>
void HostBackend<T>::release(void* memory) noexcept {
    release_host(memory);
}

template <class T>
void HostBackend<T>::to_device(void* device, const void* host, std::size_t bytes) {
    copy(device, host, bytes);
}

template <class T>
void HostBackend<T>::to_host(void* host, const void* device, std::size_t bytes) {
    copy(host, device, bytes);
}

template <class T>
void HostBackend<T>::copy(void* target, const void* source, std::size_t bytes) {
    if (bytes > 0) std::memcpy(target, source, bytes);
}

template <class T>
void HostBackend<T>::zero(void* memory, std::size_t bytes) {
    if (bytes > 0) std::memset(memory, 0, bytes);
}

template <class T>
void HostBackend<T>::finish() {}

template <class T>
void HostBackend<T>::replay(std::uint64_t, const std::function<void()>& work) {
    work();
}

template <class T>
void HostBackend<T>::forget_replays() {}

template <class T>
std::int32_t HostBackend<T>::replay_rows(std::int32_t rows) const {
    return rows;
}

template <class T>
void HostBackend<T>::copy_columns(Wide<T>* y, std::int32_t y_stride, std::int32_t y_first,
                                  const Wide<T>* x, std::int32_t x_stride, std::int32_t x_first,
                                  std::int32_t m, std::int32_t width) {
    const auto bytes = static_cast<std::size_t>(width) * sizeof(Wide<T>);
    for (std::int64_t i = 0; i < m; ++i)
        copy(y + i * y_stride + y_first, x + i * x_stride + x_first, bytes);
}

template <class T>
void HostBackend<T>::advance(const DecodeState& state, std::int32_t* log_tokens,
                             Wide<T>* log_logprobs, const std::int32_t* drawn,
                             const Wide<T>* logprob, std::int32_t m) {
    const std::int64_t line = std::int64_t{*state.turn} * m;
    for (std::int64_t i = 0; i < m; ++i) {
        log_tokens[line + i] = state.tokens[i] = drawn[i];
        log_logprobs[line + i] = logprob[i];
        ++state.positions[i];
        ++state.counters[i][0];
    }
    ++*state.turn;
}

template class HostBackend<Bf16>;
template class HostBackend<float>;
template class HostBackend<double>;

}  // namespace r1
