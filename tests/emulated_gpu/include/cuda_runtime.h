// SPDX-License-Identifier: Apache-2.0
// Stands in for CUDA's header of this name where kernels run on the emulated GPU: the words of the
// language, and what of the runtime and of the device's functions this project uses. Meanings are
// those of the CUDA C++ Programming Guide and the CUDA Runtime API manual, version 13.0.
#pragma once

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(bytes) __attribute__((aligned(bytes)))
#define __launch_bounds__(...)
#define __grid_constant__
// One copy for each host thread, which runs one block at a time. Static shared memory is known by
// this storage class: functions of namespace r1::cuda have no other thread-local variables.
#define __shared__ static thread_local

#include <emulated/atomics.h>
#include <emulated/bits.h>
#include <emulated/block.h>
#include <emulated/launch.h>
#include <emulated/maths.h>
#include <emulated/runtime.h>
#include <emulated/vectors.h>
#include <emulated/warp.h>
