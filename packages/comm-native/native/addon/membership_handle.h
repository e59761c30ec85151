#pragma once

#include <napi.h>

#include <memory>

#include "../core/communicator.h"

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
  // ready(dtype, sequence, count, offset, generation): false when too far ahead
  Napi::Value ready(const Napi::CallbackInfo& info);
  // failure(): undefined while the communicator is well
  Napi::Value failure(const Napi::CallbackInfo& info);
  void leave(const Napi::CallbackInfo& info);

  std::shared_ptr<Communicator> communicator_;
  size_t rank_ = 0;
  bool joined_ = false;
};

}  // namespace kaitian
