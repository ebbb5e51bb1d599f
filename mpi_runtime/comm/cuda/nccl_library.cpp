// SPDX-License-Identifier: Apache-2.0
#include "mpi_runtime/comm/cuda/nccl_library.h"

#include <dlfcn.h>

#include "common/error.h"

namespace r1 {

namespace {

/// Stays open: NCCL has threads of its own.
void* open_library() {
    // As the machine has it, or as it was where this was built.
    void* library = dlopen("libnccl.so.2", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) library = dlopen(R1_NCCL_LIBRARY, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
        const char* const why = dlerror();
        throw_library_error("NCCL", "dlopen", why == nullptr ? "" : why);
    }
    return library;
}

template <class Function>
void find(void* library, Function& function, const char* name) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    if (function == nullptr)
        throw_library_error("NCCL", "dlsym",
                            std::string(name) + " is not in libnccl.so.2: it is too old");
}

NcclLibrary load() {
    void* const library = open_library();
    NcclLibrary nccl;
    find(library, nccl.get_error_string, "ncclGetErrorString");
    find(library, nccl.get_last_error, "ncclGetLastError");
    find(library, nccl.get_version, "ncclGetVersion");
    find(library, nccl.get_unique_id, "ncclGetUniqueId");
    find(library, nccl.comm_init_rank_config, "ncclCommInitRankConfig");
    find(library, nccl.comm_get_async_error, "ncclCommGetAsyncError");
    find(library, nccl.comm_finalize, "ncclCommFinalize");
    find(library, nccl.comm_destroy, "ncclCommDestroy");
    find(library, nccl.comm_abort, "ncclCommAbort");
    find(library, nccl.group_start, "ncclGroupStart");
    find(library, nccl.group_end, "ncclGroupEnd");
    find(library, nccl.all_reduce, "ncclAllReduce");
    find(library, nccl.reduce_scatter, "ncclReduceScatter");
    find(library, nccl.reduce, "ncclReduce");
    find(library, nccl.broadcast, "ncclBroadcast");
    find(library, nccl.all_gather, "ncclAllGather");
    find(library, nccl.send, "ncclSend");
    find(library, nccl.receive, "ncclRecv");
    return nccl;
}

}  // namespace

const NcclLibrary& nccl() {
    static const NcclLibrary library = load();
    return library;
}

}  // namespace r1
