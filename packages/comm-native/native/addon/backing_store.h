#pragma once

#include <napi.h>

#include "../core/region.h"

namespace kaitian {

// The whole memory of a SharedArrayBuffer, kept alive by the region's pin for
// as long as the core wants, also beyond the worker that allocated it.
Region pinSharedArrayBuffer(const Napi::Value& buffer);

}  // namespace kaitian
