#include "backing_store.h"

#include <v8.h>

#include <cstring>
#include <utility>

// The only file that needs V8's own interface: N-API knows no
// SharedArrayBuffer before version 10, and none of its references outlives the
// environment that made it. The price is one build for each Node.js major,
// which `nodeModules` in addon.cc declares.
namespace kaitian {

Region pinSharedArrayBuffer(const Napi::Value& buffer) {
  // A napi_value is a v8::Local; Node.js's own sources convert it like this.
  const napi_value value = buffer;
  v8::Local<v8::Value> local;
  static_assert(sizeof(local) == sizeof(value));
  std::memcpy(static_cast<void*>(&local), &value, sizeof(value));
  if (local.IsEmpty() || !local->IsSharedArrayBuffer()) {
    throw Napi::TypeError::New(buffer.Env(), "a SharedArrayBuffer is needed");
  }
  const std::shared_ptr<v8::BackingStore> store =
      local.As<v8::SharedArrayBuffer>()->GetBackingStore();
  return {static_cast<std::byte*>(store->Data()), store->ByteLength(), store};
}

Napi::Value makeSharedArrayBuffer(Napi::Env env, const Region& region) {
  const auto unpin = [](void*, size_t, void* pin) { delete static_cast<Pin*>(pin); };
  std::shared_ptr<v8::BackingStore> store = v8::SharedArrayBuffer::NewBackingStore(
      region.data, region.bytes, unpin, new Pin(region.pin));
  const v8::Local<v8::Value> local =
      v8::SharedArrayBuffer::New(v8::Isolate::GetCurrent(), std::move(store));
  napi_value value;
  static_assert(sizeof(local) == sizeof(value));
  std::memcpy(&value, static_cast<const void*>(&local), sizeof(value));
  return {env, value};
}

}  // namespace kaitian
