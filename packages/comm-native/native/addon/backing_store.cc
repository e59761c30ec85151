#include "backing_store.h"

#include <v8.h>

#include <cstring>
#include <utility>

// The only file that needs V8's own interface: N-API knows no
// SharedArrayBuffer before version 10, and none of its references outlives the
// environment that made it. The price is one build for each Node.js major,
// which `nodeModules` in addon.cc declares.
namespace kaitian {

namespace {

// A napi_value is a v8::Local; Node.js's own sources convert it like this.
v8::Local<v8::Value> localOf(const Napi::Value& of) {
  const napi_value value = of;
  v8::Local<v8::Value> local;
  static_assert(sizeof(local) == sizeof(value));
  std::memcpy(static_cast<void*>(&local), &value, sizeof(value));
  return local;
}

}  // namespace

Region pinView(const Napi::Value& value) {
  const v8::Local<v8::Value> local = localOf(value);
  if (local.IsEmpty() || !local->IsArrayBufferView()) {
    throw Napi::TypeError::New(value.Env(), "a typed array is needed");
  }
  const auto view = local.As<v8::ArrayBufferView>();
  const v8::Local<v8::Value> buffer = view->Buffer();
  std::shared_ptr<v8::BackingStore> store;
  if (buffer->IsSharedArrayBuffer()) {
    store = buffer.As<v8::SharedArrayBuffer>()->GetBackingStore();
  } else {
    store = buffer.As<v8::ArrayBuffer>()->GetBackingStore();
    if (store->IsResizableByUserJavaScript()) {
      throw Napi::TypeError::New(value.Env(), "the buffer is resizable");
    }
  }
  auto* const data = static_cast<std::byte*>(store->Data()) + view->ByteOffset();
  return {data, view->ByteLength(), std::move(store)};
}

Region pinSharedArrayBuffer(const Napi::Value& buffer) {
  const v8::Local<v8::Value> local = localOf(buffer);
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
