#pragma once

#include <napi.h>

#include <memory>

#include "../core/communicator.h"
#include "completion_queue.h"

namespace kaitian {

// new Membership(): one rank's end. Leaves when its environment ends, so that
// who waits for this rank learns it at once and not by the deadline.
class MembershipHandle : public Napi::ObjectWrap<MembershipHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit MembershipHandle(const Napi::CallbackInfo& info);
  ~MembershipHandle() override;

 private:
  // join(id, rank): 'joined' | 'gone' | 'taken'
  Napi::Value join(const Napi::CallbackInfo& info);
  // ready(op, dtype, sequence, count, offset, generation): an outcome
  Napi::Value ready(const Napi::CallbackInfo& info);
  // call(token, code, count, root, send?, recv?): an outcome
  Napi::Value call(const Napi::CallbackInfo& info);
  Napi::Value callElsewhere(const Napi::CallbackInfo& info);
  // pass(token, code, count, peer, send?, recv?): an outcome
  Napi::Value pass(const Napi::CallbackInfo& info);
  // failure(): undefined while the communicator is well
  Napi::Value failure(const Napi::CallbackInfo& info);
  void leave(const Napi::CallbackInfo& info);

  Completion completion(uint32_t token) const;
  Napi::Value outcome(Napi::Env env, Outcome outcome);

  const std::shared_ptr<CompletionQueue> completions_;
  std::shared_ptr<Communicator> communicator_;
  size_t rank_ = 0;
  bool joined_ = false;
};

}  // namespace kaitian
