#pragma once

#include <napi.h>

#include "../core/region.h"

namespace kaitian {

// The part of a SharedArrayBuffer that an argument names, pinned.
Region readRegion(const Napi::Value& buffer, const Napi::Value& byteOffset,
                  const Napi::Value& byteLength);

}  // namespace kaitian
