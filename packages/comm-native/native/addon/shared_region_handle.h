#pragma once

#include <napi.h>

#include <memory>

#include "../core/shared_memory.h"

namespace kaitian {

// Memory shared with other processes: made new, or opened by its address.
class SharedRegionHandle : public Napi::ObjectWrap<SharedRegionHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit SharedRegionHandle(const Napi::CallbackInfo& info);

 private:
  Napi::Value buffer(const Napi::CallbackInfo& info);
  Napi::Value fd(const Napi::CallbackInfo& info);
  Napi::Value inode(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);

  std::shared_ptr<SharedMemory> memory_;
};

}  // namespace kaitian
