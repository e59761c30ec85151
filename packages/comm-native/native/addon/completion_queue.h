#pragma once

#include <napi.h>
#include <uv.h>

#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "../core/failure.h"

namespace kaitian {

// How native threads reach one environment's JavaScript: an own uv_async
// handle under an own lock. (A thread-safe function may abort the process when
// its environment goes away while a call is under way.) Closed, under the lock,
// by the environment's cleanup; what comes later is dropped.
//
// Keeps the event loop alive exactly while something is expected.
class CompletionQueue {
 public:
  static std::shared_ptr<CompletionQueue> open(Napi::Env env);

  // JavaScript's thread: who is told, as deliver(token, failure | undefined).
  void deliverTo(const Napi::Function& deliver);
  // JavaScript's thread: one more completion will be posted.
  void expect();

  // Any thread.
  void post(uint32_t token, std::optional<Failure> failure);

 private:
  struct Completion {
    uint32_t token;
    std::optional<Failure> failure;
  };

  explicit CompletionQueue(Napi::Env env) : env_(env) {}
  static void onWake(uv_async_t* handle);
  static void onCleanup(napi_async_cleanup_hook_handle hook, void* queue);
  static void onClosed(uv_handle_t* handle);
  void deliver();
  void close(napi_async_cleanup_hook_handle hook);

  const napi_env env_;
  uv_async_t wake_{};
  napi_async_cleanup_hook_handle hook_ = nullptr;
  // libuv still owns the handle between close and its callback.
  std::shared_ptr<CompletionQueue> self_;
  Napi::FunctionReference deliver_;
  size_t expected_ = 0;

  std::mutex mutex_;  // guards what follows
  bool closed_ = false;
  std::vector<Completion> posted_;
};

}  // namespace kaitian
