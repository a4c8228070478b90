#include "runtime/train/launch.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <string_view>

namespace jade::train {
namespace {

constexpr int kMostProcesses = 65536;
constexpr int kLastPort = 65535;
constexpr char kThisMachine[] = "127.0.0.1";

// The names under which a launcher says the same things.
struct Names {
  const char* launcher;
  const char* rank;
  const char* size;
  const char* local_rank;
  const char* local_size;
};
constexpr Names kTorchrun{"torchrun", "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE"};
constexpr Names kOpenMpi{"mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK",
                         "OMPI_COMM_WORLD_LOCAL_SIZE"};
constexpr Names kMpich{"mpirun", "PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS"};
// SLURM_NTASKS alone is set in an allocation's shell too, so only the rank tells that srun started this process.
constexpr Names kSlurm{"srun", "SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID", "SLURM_TASKS_PER_NODE"};

Error Wrong(std::string message) {
  return Error(ErrorCode::kInvalidArgument, std::move(message));
}

class Reader {
 public:
  explicit Reader(const Environment& environment) : environment_(environment) {}

  std::string Text(const char* name) const {
    const char* value = environment_(name);
    return value == nullptr ? "" : value;
  }
  bool Has(const char* name) const { return !Text(name).empty(); }

  // Digits up to the end, or up to a `(` or `,` as in "2(x3),1".
  Result<int> Number(const char* name, int least, int most) const {
    const std::string text = Text(name);
    const std::string_view digits = std::string_view(text).substr(0, text.find_first_of("(,"));
    int value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error == std::errc() && end == digits.data() + digits.size() && value >= least && value <= most) return value;
    return Wrong(
        fmt::format("the environment's `{}` is `{}`: it should be a number from {} to {}", name, text, least, most));
  }

 private:
  const Environment& environment_;
};

Error Missing(const Names& names, const char* present, const char* missing) {
  return Wrong(
      fmt::format("the environment has `{}` but not `{}`: {} sets both, and a process started by hand needs "
                  "both; unset `{}` to train in one process",
                  present, missing, names.launcher, present));
}

Status ReadAddress(const Reader& reader, const Names& names, Launch* launch) {
  const bool by_torchrun = names.rank == kTorchrun.rank;
  launch->address = reader.Text("MASTER_ADDR");
  if (reader.Has("MASTER_PORT")) {
    JADE_ASSIGN_OR_RETURN(launch->port, reader.Number("MASTER_PORT", 1, kLastPort));
  } else if (by_torchrun) {
    return Missing(names, names.rank, "MASTER_PORT");
  }
  // torchrun itself then serves a store at MASTER_PORT, whose protocol is that of its own version of PyTorch.
  if (by_torchrun && reader.Text("TORCHELASTIC_USE_AGENT_STORE") == "True") {
    launch->port += launch->port < kLastPort ? 1 : -1;
  }
  if (!launch->address.empty()) return {};
  if (by_torchrun) return Missing(names, names.rank, "MASTER_ADDR");
  if (names.rank == kSlurm.rank) launch->address = FirstHost(reader.Text("SLURM_NODELIST"));
  if (launch->address.empty() && launch->local_size == launch->size) launch->address = kThisMachine;
  if (!launch->address.empty()) return {};
  return Wrong(
      fmt::format("the environment has no `MASTER_ADDR`, and {} does not tell where rank 0 is: set it to the "
                  "host of rank 0 for all processes",
                  names.launcher));
}

}  // namespace

std::string FirstHost(const std::string& node_list) {
  const size_t stop = node_list.find_first_of(",[");
  std::string host = node_list.substr(0, stop);
  if (stop == std::string::npos || node_list[stop] == ',') return host;
  const size_t end = node_list.find_first_of(",-]", stop + 1);
  if (end == std::string::npos) return "";
  return host + node_list.substr(stop + 1, end - stop - 1);
}

Result<Launch> ReadLaunch(const Environment& environment) {
  const Reader reader(environment);
  const Names* names = nullptr;
  for (const Names* candidate : {&kTorchrun, &kOpenMpi, &kMpich}) {
    if (names == nullptr && (reader.Has(candidate->rank) || reader.Has(candidate->size))) names = candidate;
  }
  if (names == nullptr && reader.Has(kSlurm.rank)) names = &kSlurm;
  Launch launch;
  if (names == nullptr) return launch;
  if (!reader.Has(names->size)) return Missing(*names, names->rank, names->size);
  if (!reader.Has(names->rank)) return Missing(*names, names->size, names->rank);
  JADE_ASSIGN_OR_RETURN(launch.size, reader.Number(names->size, 1, kMostProcesses));
  JADE_ASSIGN_OR_RETURN(launch.rank, reader.Number(names->rank, 0, launch.size - 1));
  if (launch.size == 1) return launch;
  if (reader.Has(names->local_rank)) {
    JADE_ASSIGN_OR_RETURN(launch.local_rank, reader.Number(names->local_rank, 0, launch.size - 1));
  }
  if (reader.Has(names->local_size)) {
    JADE_ASSIGN_OR_RETURN(launch.local_size, reader.Number(names->local_size, 1, launch.size));
  }
  JADE_TRY(ReadAddress(reader, *names, &launch));
  // Started by hand on one machine, without the local variables.
  const bool here = launch.address == kThisMachine || launch.address == "localhost";
  if (here && !reader.Has(names->local_size)) launch.local_size = launch.size;
  if (here && !reader.Has(names->local_rank)) launch.local_rank = launch.rank;
  return launch;
}

}  // namespace jade::train
