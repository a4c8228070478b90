#pragma once
// Which process of a data-parallel job this one is, as the launcher's environment says: torchrun (or any that sets
// RANK), mpirun (Open MPI, MPICH and its kin), Slurm's srun. Plain values, no LibTorch; any thread.

#include <functional>
#include <string>

#include "compiler/result/result.h"

namespace jade::train {

struct Launch {
  int rank = 0, size = 1;
  int local_rank = 0, local_size = 1;  // among the processes of this machine
  std::string address;                 // where rank 0 is; empty: a single process
  int port = 29500;
};

// The value of a variable; null when it is not set.
using Environment = std::function<const char*(const char*)>;

// RANK and WORLD_SIZE first, then OMPI_COMM_WORLD_*, PMI_*, SLURM_*; none of them: one process. kInvalidArgument names
// the variable that is missing or no number in range. MASTER_ADDR is the first host of SLURM_NODELIST where it is not
// set, and this machine where all processes are on it. The port is the one after MASTER_PORT where torchrun's agent
// serves a store at that one (TORCHELASTIC_USE_AGENT_STORE).
Result<Launch> ReadLaunch(const Environment& environment);

// "node[03-07,9],x" → "node03"; "a,b" → "a".
std::string FirstHost(const std::string& node_list);

}  // namespace jade::train
