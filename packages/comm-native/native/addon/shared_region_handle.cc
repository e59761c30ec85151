#include "shared_region_handle.h"

#include "backing_store.h"

namespace kaitian {
namespace {

const char* nameOf(SharedMemoryError::Reason reason) {
  switch (reason) {
    case SharedMemoryError::Reason::kUnsupported:
      return "unsupported";
    case SharedMemoryError::Reason::kRefused:
      return "refused";
    case SharedMemoryError::Reason::kGone:
      return "gone";
    case SharedMemoryError::Reason::kDenied:
      return "denied";
    case SharedMemoryError::Reason::kForeign:
      return "foreign";
    case SharedMemoryError::Reason::kShort:
      return "short";
  }
  return "refused";
}

int64_t integer(const Napi::Value& value) { return value.As<Napi::Number>().Int64Value(); }

// (byteLength) or (byteLength, pid, fd, inode)
std::shared_ptr<SharedMemory> makeOrOpen(const Napi::CallbackInfo& info) {
  const auto bytes = static_cast<size_t>(integer(info[0]));
  try {
    if (info.Length() == 1) return SharedMemory::create(bytes);
    return SharedMemory::open({.pid = integer(info[1]),
                               .descriptor = integer(info[2]),
                               .bytes = bytes,
                               .inode = static_cast<uint64_t>(integer(info[3]))});
  } catch (const SharedMemoryError& failure) {
    Napi::Error error = Napi::Error::New(info.Env(), failure.what());
    error.Set("reason", Napi::String::New(info.Env(), nameOf(failure.reason)));
    throw error;
  }
}

}  // namespace

Napi::Function SharedRegionHandle::define(Napi::Env env) {
  return DefineClass(env, "SharedRegion",
                     {
                         InstanceMethod<&SharedRegionHandle::buffer>("buffer"),
                         InstanceMethod<&SharedRegionHandle::fd>("fd"),
                         InstanceMethod<&SharedRegionHandle::inode>("inode"),
                         InstanceMethod<&SharedRegionHandle::close>("close"),
                     });
}

SharedRegionHandle::SharedRegionHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<SharedRegionHandle>(info), memory_(makeOrOpen(info)) {}

Napi::Value SharedRegionHandle::buffer(const Napi::CallbackInfo& info) {
  return makeSharedArrayBuffer(info.Env(), SharedMemory::region(memory_));
}

Napi::Value SharedRegionHandle::fd(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), memory_->descriptor());
}

Napi::Value SharedRegionHandle::inode(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(memory_->inode()));
}

void SharedRegionHandle::close(const Napi::CallbackInfo&) { memory_->closeDescriptor(); }

}  // namespace kaitian
