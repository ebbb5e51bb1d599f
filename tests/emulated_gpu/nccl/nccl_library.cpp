// SPDX-License-Identifier: Apache-2.0
// The emulated functions in the place of those that the program would load.
#include "mpi_runtime/comm/cuda/nccl_library.h"

namespace r1 {

const NcclLibrary& nccl() {
    static const NcclLibrary library{ncclGetErrorString,
                                     ncclGetLastError,
                                     ncclGetVersion,
                                     ncclGetUniqueId,
                                     ncclCommInitRankConfig,
                                     ncclCommGetAsyncError,
                                     ncclCommFinalize,
                                     ncclCommDestroy,
                                     ncclCommAbort,
                                     ncclGroupStart,
                                     ncclGroupEnd,
                                     ncclAllReduce,
                                     ncclReduceScatter,
                                     ncclReduce,
                                     ncclBroadcast,
                                     ncclAllGather,
                                     ncclSend,
                                     ncclRecv};
    return library;
}

}  // namespace r1
