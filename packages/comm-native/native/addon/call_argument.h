#pragma once

#include <napi.h>

#include "../core/lane.h"

namespace kaitian {

// code, count, root, send?, recv? as native.ts passes them; one buffer is both
// when the call is in place.
Arrival readCall(const Napi::CallbackInfo& info, size_t from);

// 0 done, 1 pending, 2 failed, 3 too far ahead, as native.ts declares them.
Napi::Value outcomeNumber(Napi::Env env, Outcome outcome);

}  // namespace kaitian
