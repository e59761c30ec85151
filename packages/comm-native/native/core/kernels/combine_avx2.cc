#include <string.h>

#include <span>

#include "combine_level.h"

#if KAITIAN_HAS_X86_LEVELS

#include <immintrin.h>

// After the standard library, whose functions other units share.
#pragma GCC target("avx2,f16c")

#define KAITIAN_VECTOR_BYTES 32
#define KAITIAN_F16C 1

#include "combine_loops.h"

namespace kaitian {

CombineKernel avx2Kernel(const Reduction& reduction) { return kernelFor(reduction); }

}  // namespace kaitian

#endif
