// SPDX-License-Identifier: Apache-2.0
// What a test can make the emulated NCCL do.
#pragma once

#include <nccl.h>

namespace r1::test {

/// The next look for errors finds this one.
void inject_nccl_error(ncclResult_t error);
/// The next call that moves values fails with it.
void fail_nccl_call(ncclResult_t error);
/// Communicators that were made and neither destroyed nor aborted.
int open_nccl_communicators();
/// Those that were aborted.
int aborted_nccl_communicators();

}  // namespace r1::test
