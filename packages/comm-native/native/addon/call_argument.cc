#include "call_argument.h"

#include "backing_store.h"

namespace kaitian {

Arrival readCall(const Napi::CallbackInfo& info, size_t from) {
  const auto number = [&](size_t index) { return info[from + index].As<Napi::Number>(); };
  Arrival arrival;
  Signature& signature = arrival.signature;
  const uint32_t code = number(0).Uint32Value();
  signature.collective = static_cast<Collective>(code >> 8 & 15);
  signature.op = static_cast<Op>(code >> 4 & 15);
  signature.dtype = static_cast<DType>(code & 15);
  signature.count = static_cast<uint64_t>(number(1).Int64Value());
  signature.root = number(2).Uint32Value();
  const Napi::Value send = info[from + 3];
  const Napi::Value recv = info[from + 4];
  if (!send.IsUndefined()) {
    Region region = pinView(send);
    arrival.buffers.send = region.data;
    arrival.sendPin = std::move(region.pin);
  }
  if (send == recv) {
    arrival.buffers.recv = const_cast<std::byte*>(arrival.buffers.send);
  } else if (!recv.IsUndefined()) {
    Region region = pinView(recv);
    arrival.buffers.recv = region.data;
    arrival.recvPin = std::move(region.pin);
  }
  return arrival;
}

Napi::Value outcomeNumber(Napi::Env env, Outcome outcome) {
  return Napi::Number::New(env, static_cast<uint8_t>(outcome));
}

}  // namespace kaitian
