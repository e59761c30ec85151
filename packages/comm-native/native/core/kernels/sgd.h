#pragma once

#include <cstddef>

#include "digest.h"

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
// Returns the digest of what it wrote, elements 0 and on, taken while it is still in the cache; many
// elements are shared out over the processors.
Digest sgd(const SgdStep& step);

}  // namespace kaitian
