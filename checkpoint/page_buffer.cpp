// SPDX-License-Identifier: Apache-2.0
#include "checkpoint/page_buffer.h"

#include <sys/mman.h>

#include <string>

#include "common/error.h"

namespace r1 {

PageBuffer::PageBuffer(std::uint64_t bytes) : bytes_(round_up_to_page(bytes)) {
    if (bytes_ == 0) return;
    void* const memory =
        ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        throw Error(ExitCode::kRunFailed, "no memory for " + std::to_string(bytes_) +
                                              " bytes that a checkpoint is copied to");
    data_ = static_cast<std::byte*>(memory);
    // Both are wishes: without them the first copy is slower.
    ::madvise(data_, bytes_, MADV_HUGEPAGE);
    ::madvise(data_, bytes_, MADV_POPULATE_WRITE);
}

PageBuffer::~PageBuffer() {
    if (data_ != nullptr) ::munmap(data_, bytes_);
}

}  // namespace r1
