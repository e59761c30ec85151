#pragma once

// Loops are written plainly and left to the compiler's vectoriser: the same
// source then runs at any vector width with the same bits, because no kernel
// carries a value from one element to the next except exact maxima.

// One machine-independent build that uses AVX2 where the processor has it.
// Needs ifunc, so glibc; sanitizers' runtimes are not up yet when ifuncs run.
// AVX2 without FMA on purpose: contraction would change bits.
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#define KAITIAN_VECTORISED __attribute__((target_clones("avx2", "default")))
#else
#define KAITIAN_VECTORISED
#endif

// Outputs may be the very memory of an input, which is no dependence between
// elements; without this the compiler's overlap check would choose the slow loop.
#if defined(__clang__)
#define KAITIAN_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#elif defined(__GNUC__)
#define KAITIAN_INDEPENDENT _Pragma("GCC ivdep")
#else
#define KAITIAN_INDEPENDENT
#endif
