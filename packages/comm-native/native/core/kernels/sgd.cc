#include "sgd.h"

#include "../vectorise.h"

namespace kaitian {

KAITIAN_VECTORISED
void sgd(const SgdStep& given) {
  // A copy: writes through float pointers could alias the argument's floats.
  const SgdStep step = given;
  KAITIAN_INDEPENDENT
  for (size_t i = 0; i < step.size; ++i) {
    const float weight = step.weights[i];
    const float gradient = step.sum[i] / step.count + step.weightDecay * weight;
    const float velocity = step.momentum * step.velocity[i] + gradient;
    step.nextVelocity[i] = velocity;
    step.nextWeights[i] = weight - step.learningRate * velocity;
  }
}

}  // namespace kaitian
