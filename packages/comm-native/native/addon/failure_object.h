#pragma once

#include <napi.h>

#include "../core/failure.h"

namespace kaitian {

// A failure as the plain object that native.ts declares.
Napi::Value failureObject(Napi::Env env, const Failure& failure);

// op, dtype, sequence, count, offset, generation, as native.ts passes them.
Signature readSignature(const Napi::CallbackInfo& info, size_t from);

}  // namespace kaitian
