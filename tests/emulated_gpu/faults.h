// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace r1::emulated {

/// From now on a kernel that touches memory which is not mapped is named before the program ends.
void name_kernels_that_fault();

}  // namespace r1::emulated
