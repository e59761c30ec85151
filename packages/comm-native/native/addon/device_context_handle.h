#pragma once

#include <napi.h>

#include "../core/device_context.h"

namespace kaitian {

// new DeviceContext(): one device's pinned memory.
class DeviceContextHandle : public Napi::ObjectWrap<DeviceContextHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit DeviceContextHandle(const Napi::CallbackInfo& info);

 private:
  // add(name, buffer, byteOffset, byteLength): false when the name is taken
  Napi::Value add(const Napi::CallbackInfo& info);
  void release(const Napi::CallbackInfo& info);

  DeviceContext context_;
};

}  // namespace kaitian
