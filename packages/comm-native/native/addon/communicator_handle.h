#pragma once

#include <napi.h>

#include <memory>

#include "../core/communicator.h"
#include "completion_queue.h"

namespace kaitian {

// new Communicator(deadlineMs, patienceMs, generation, groups, narrow, regions,
// group, trunks): the leader's end. The thread
// that made it owns it: when that environment ends, it aborts and joins.
class CommunicatorHandle : public Napi::ObjectWrap<CommunicatorHandle> {
 public:
  static Napi::Function define(Napi::Env env);
  explicit CommunicatorHandle(const Napi::CallbackInfo& info);
  ~CommunicatorHandle() override;

 private:
  Napi::Value id(const Napi::CallbackInfo& info);
  // issue(token, op, dtype, sequence, count, offset, generation): an outcome
  Napi::Value issue(const Napi::CallbackInfo& info);
  // abort(cause)
  void abort(const Napi::CallbackInfo& info);
  // retire(cause): the end of a generation, which leaves others to finish
  void retire(const Napi::CallbackInfo& info);
  // end(token): completes when the native thread runs nothing any more
  void end(const Napi::CallbackInfo& info);
  // release(): joins the thread and unpins; at once after `end` has completed
  void release(const Napi::CallbackInfo& info);

  void close();

  std::shared_ptr<CompletionQueue> completions_;
  std::shared_ptr<Communicator> communicator_;
  uint64_t id_ = 0;
  bool released_ = false;
};

}  // namespace kaitian
