#include "runtime/train/training_job.h"

#include <algorithm>
#include <cstdlib>

#include "runtime/backbone/make_engine.h"
#include "runtime/train/process_group.h"

namespace jade::train {

Result<TrainingJob> JoinTrainingJob(TrainConfig* config) {
  TrainingJob job;
  JADE_ASSIGN_OR_RETURN(job.launch, ReadLaunch([](const char* name) { return std::getenv(name); }));
  settings::Backbone& backbone = config->settings.backbone;
  if (backbone.threads == 0 && job.launch.local_size > 1) {
    backbone.threads = std::max(1, backbone::UsableProcessors() / job.launch.local_size);
  }
  JADE_ASSIGN_OR_RETURN(const at::Device device, backbone::ChooseDevice(backbone.device));
  JADE_ASSIGN_OR_RETURN(job.collective,
                        JoinProcessGroup(job.launch, {.timeout = config->distributed_timeout, .device = device}));
  return job;
}

}  // namespace jade::train
