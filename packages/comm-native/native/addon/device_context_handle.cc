#include "device_context_handle.h"

#include "region_argument.h"

namespace kaitian {

Napi::Function DeviceContextHandle::define(Napi::Env env) {
  return DefineClass(env, "DeviceContext",
                     {
                         InstanceMethod<&DeviceContextHandle::add>("add"),
                         InstanceMethod<&DeviceContextHandle::release>("release"),
                     });
}

DeviceContextHandle::DeviceContextHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<DeviceContextHandle>(info) {}

Napi::Value DeviceContextHandle::add(const Napi::CallbackInfo& info) {
  const std::string name = info[0].As<Napi::String>();
  return Napi::Boolean::New(info.Env(),
                            context_.add(name, readRegion(info[1], info[2], info[3])));
}

void DeviceContextHandle::release(const Napi::CallbackInfo&) { context_.release(); }

}  // namespace kaitian
