#pragma once

#include <cstddef>

namespace kaitian {

struct RunningStatisticStep {
  float* next;
  const float* running;
  const float* sum;
  size_t size;
  float count;
  float momentum;
};

// next[i] = (1 − momentum)·running[i] + momentum·(sum[i] / count), each operation rounded to fp32.
void runningStatistic(const RunningStatisticStep& step);

}  // namespace kaitian
