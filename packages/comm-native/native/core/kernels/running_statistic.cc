#include "running_statistic.h"

#include "../vectorise.h"

namespace kaitian {

KAITIAN_VECTORISED
void runningStatistic(const RunningStatisticStep& given) {
  const RunningStatisticStep step = given;
  const float kept = 1.0f - step.momentum;
  KAITIAN_INDEPENDENT
  for (size_t i = 0; i < step.size; ++i) {
    const float mean = step.sum[i] / step.count;
    step.next[i] = kept * step.running[i] + step.momentum * mean;
  }
}

}  // namespace kaitian
