#pragma once

#include <napi.h>

#include <memory>

#include "../core/span/trunk.h"
#include "completion_queue.h"

namespace kaitian {

// new Trunk(chunkBytes, window, keepAliveMs, silenceMs): the way to one other
// group. The thread that made it owns it: when that environment ends, it closes.
class TrunkHandle : public Napi::ObjectWrap<TrunkHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit TrunkHandle(const Napi::CallbackInfo& info);
  ~TrunkHandle() override;

  const std::shared_ptr<Trunk>& trunk() const { return trunk_; }

 private:
  Napi::Value received(const Napi::CallbackInfo& info);
  Napi::Value attached(const Napi::CallbackInfo& info);
  // attach(fd, early?, peerReceived, token): takes over a duplicate of the
  // descriptor; completes, with a GroupLost of group 0, when that connection
  // carries nothing any more
  void attach(const Napi::CallbackInfo& info);
  void close(const Napi::CallbackInfo& info);
  Napi::Value peakBytes(const Napi::CallbackInfo& info);

  const std::shared_ptr<CompletionQueue> completions_;
  std::shared_ptr<Trunk> trunk_;
  bool closed_ = false;
};

}  // namespace kaitian
