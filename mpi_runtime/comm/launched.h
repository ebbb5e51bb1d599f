// SPDX-License-Identifier: Apache-2.0
// What the launcher says about this process in its environment: known before MPI is started. Of
// launchers in each other, the innermost is asked first: mpirun in a job of Slurm before Slurm.
#pragma once

namespace r1 {

/// This process among those that were started together; 0 without a launcher.
int launched_rank();
/// How many were started together; 0 when no launcher says.
int launched_ranks();
/// This process among those on its node; 0 when no launcher says.
int local_rank();
/// Whether srun started this process, and not an mpirun on the same node.
bool started_by_slurm();

}  // namespace r1
