#define KAITIAN_VECTOR_BYTES 16
#define KAITIAN_F16C 0

#include "combine_loops.h"

namespace kaitian {

CombineKernel portableKernel(const Reduction& reduction) { return kernelFor(reduction); }

}  // namespace kaitian
