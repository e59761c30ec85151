#include "region_argument.h"

#include "backing_store.h"

namespace kaitian {

Region readRegion(const Napi::Value& buffer, const Napi::Value& byteOffset,
                  const Napi::Value& byteLength) {
  Region region = pinSharedArrayBuffer(buffer);
  const auto offset = static_cast<size_t>(byteOffset.As<Napi::Number>().Int64Value());
  const auto length = static_cast<size_t>(byteLength.As<Napi::Number>().Int64Value());
  // Checked in TypeScript with a better sentence; here it guards the memory.
  if (offset > region.bytes || length > region.bytes - offset) {
    throw Napi::RangeError::New(buffer.Env(), "the region reaches past its buffer");
  }
  return {region.data + offset, length, std::move(region.pin)};
}

}  // namespace kaitian
