#pragma once

#include <napi.h>

namespace kaitian {

// Puts sumF32, sumI64, quantise, dequantise, sgd and runningStatistic on
// `exports`. They trust their arguments, which checks.ts has looked at.
void exportKernels(Napi::Env env, Napi::Object exports);

}  // namespace kaitian
