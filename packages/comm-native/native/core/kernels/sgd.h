#pragma once

#include <cstddef>

namespace kaitian {

struct SgdStep {
  const float* weights;
  const float* velocity;
  const float* sum;
  float* nextWeights;
  float* nextVelocity;
  size_t size;
  float count;
  float learningRate;
  float momentum;
  float weightDecay;
};

// g = sum / count + weightDecay·w;  v' = momentum·v + g;  w' = w − learningRate·v'.
// Every operation rounded to fp32. (Polyak, 10.1016/0041-5553(64)90137-5, with L2.)
void sgd(const SgdStep& step);

}  // namespace kaitian
