#pragma once

#include <napi.h>

#include "../core/region.h"

namespace kaitian {

// The whole memory of a SharedArrayBuffer, kept alive by the region's pin for
// as long as the core wants, also beyond the worker that allocated it.
Region pinSharedArrayBuffer(const Napi::Value& buffer);

// The memory of a typed array, over either kind of buffer. Throws when the
// buffer may shrink under a native user.
Region pinView(const Napi::Value& view);

// A SharedArrayBuffer over memory that V8 has not allocated. The region's pin
// is held until the last thread that was given the buffer has dropped it.
Napi::Value makeSharedArrayBuffer(Napi::Env env, const Region& region);

}  // namespace kaitian
