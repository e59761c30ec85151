#pragma once

#include <napi.h>

#include <memory>

#include "completion_queue.h"

namespace kaitian {

// One environment's instance: the main thread and each worker have their own,
// over one core for the whole process.
class Addon : public Napi::Addon<Addon> {
 public:
  Addon(Napi::Env env, Napi::Object exports);

  const std::shared_ptr<CompletionQueue>& completions() const { return completions_; }

 private:
  std::shared_ptr<CompletionQueue> completions_;
};

}  // namespace kaitian
