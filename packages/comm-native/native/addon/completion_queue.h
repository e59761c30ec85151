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
// Nothing may be thrown through libuv, whose caller is the host, and libuv may
// call while a worker is being terminated, even from within its cleanup, when
// all of Node-API that could run JavaScript fails. So what libuv calls here only
// calls one JavaScript function, by Node-API's C functions, which throw nothing.
// That function takes the completions by a call of its own: objects are only
// made where node-addon-api catches what cannot be made.
//
// Keeps the event loop alive exactly while something is expected.
class CompletionQueue {
 public:
  static std::shared_ptr<CompletionQueue> open(Napi::Env env);

  // JavaScript's thread: what to call when there is something to take.
  void onCompletion(const Napi::Function& wake);
  // JavaScript's thread: one more completion will be posted.
  void expect();
  // JavaScript's thread: calls settle(token, failure | undefined) for each.
  void take(const Napi::Function& settle);

  // Any thread. Null when the operation was carried out.
  void post(uint32_t token, const Failure* failure) noexcept;

 private:
  struct Completion {
    uint32_t token;
    std::optional<Failure> failure;
  };

  explicit CompletionQueue(napi_env env) : env_(env) {}
  void wake() noexcept;
  void report() noexcept;
  void close(napi_async_cleanup_hook_handle hook) noexcept;
  static void onClosed(uv_handle_t* handle) noexcept;

  const napi_env env_;
  uv_async_t handle_{};
  napi_async_cleanup_hook_handle hook_ = nullptr;
  // libuv still owns the handle between close and its callback.
  std::shared_ptr<CompletionQueue> self_;
  Napi::FunctionReference wake_;
  size_t expected_ = 0;

  std::mutex mutex_;  // guards what follows
  bool closed_ = false;
  std::vector<Completion> posted_;
  // For which there was no memory.
  size_t lost_ = 0;
};

}  // namespace kaitian
