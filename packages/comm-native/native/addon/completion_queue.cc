#include "completion_queue.h"

#include <algorithm>
#include <utility>

#include "failure_object.h"

namespace kaitian {
namespace {

CompletionQueue* queueOf(void* of) { return static_cast<CompletionQueue*>(of); }

}  // namespace

std::shared_ptr<CompletionQueue> CompletionQueue::open(Napi::Env env) {
  const std::shared_ptr<CompletionQueue> queue(new CompletionQueue(env));
  const auto onCleanup = [](napi_async_cleanup_hook_handle hook, void* of) {
    queueOf(of)->close(hook);
  };
  const auto onWake = [](uv_async_t* handle) { queueOf(handle->data)->wake(); };
  uv_loop_t* loop = nullptr;
  napi_async_cleanup_hook_handle hook = nullptr;
  if (napi_get_uv_event_loop(env, &loop) != napi_ok ||
      napi_add_async_cleanup_hook(env, onCleanup, queue.get(), &hook) != napi_ok) {
    throw Napi::Error::New(env, "the environment takes no more addons");
  }
  if (uv_async_init(loop, &queue->handle_, onWake) != 0) {
    napi_remove_async_cleanup_hook(hook);
    throw Napi::Error::New(env, "the event loop gives no handle");
  }
  queue->handle_.data = queue.get();
  queue->self_ = queue;
  uv_unref(reinterpret_cast<uv_handle_t*>(&queue->handle_));
  return queue;
}

void CompletionQueue::onCompletion(const Napi::Function& wake) {
  wake_ = Napi::Persistent(wake);
}

void CompletionQueue::expect() {
  if (expected_++ == 0) uv_ref(reinterpret_cast<uv_handle_t*>(&handle_));
}

void CompletionQueue::post(uint32_t token, const Failure* failure) noexcept {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  try {
    posted_.push_back({token, failure == nullptr ? std::nullopt : std::optional(*failure)});
  } catch (const std::bad_alloc&) {
    ++lost_;
  }
  // Inside the lock: the handle must not be closed between the look and the call.
  uv_async_send(&handle_);
}

void CompletionQueue::take(const Napi::Function& settle) {
  const Napi::Env env(env_);
  std::vector<Completion> completions;
  size_t lost;
  {
    const std::lock_guard lock(mutex_);
    completions.swap(posted_);
    lost = std::exchange(lost_, 0);
  }
  // One whose operation failed before it could be announced may come all the same.
  expected_ -= std::min(expected_, completions.size() + lost);
  if (expected_ == 0) uv_unref(reinterpret_cast<uv_handle_t*>(&handle_));
  for (const auto& [token, failure] : completions) {
    settle.Call({Napi::Number::New(env, token),
                 failure ? failureObject(env, *failure) : env.Undefined()});
  }
  if (lost > 0) throw Napi::Error::New(env, "there was no memory to say which operations are over");
}

// Where the environment is going down every call fails, and then nobody waits.
void CompletionQueue::wake() noexcept {
  napi_handle_scope scope = nullptr;
  if (napi_open_handle_scope(env_, &scope) != napi_ok) return;
  napi_value global = nullptr;
  napi_value wake = nullptr;
  napi_get_global(env_, &global);
  napi_get_reference_value(env_, wake_, &wake);
  napi_make_callback(env_, nullptr, global, wake, 0, nullptr, nullptr);
  report();
  napi_close_handle_scope(env_, scope);
}

// What JavaScript threw, above all in a tick that follows the callback. Nobody
// else would hear of it: it would come out of whichever call of this addon is
// the next.
void CompletionQueue::report() noexcept {
  bool pending = false;
  napi_value error = nullptr;
  if (napi_is_exception_pending(env_, &pending) != napi_ok || !pending) return;
  if (napi_get_and_clear_last_exception(env_, &error) != napi_ok) return;
  napi_fatal_exception(env_, error);
}

void CompletionQueue::close(napi_async_cleanup_hook_handle hook) noexcept {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    posted_.clear();
  }
  hook_ = hook;
  // Its destructor throws nothing, which Reset() may.
  const Napi::FunctionReference last = std::move(wake_);
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_), onClosed);
}

void CompletionQueue::onClosed(uv_handle_t* handle) noexcept {
  CompletionQueue* const queue = queueOf(handle->data);
  // The environment waits for this, so it comes after libuv has let go.
  napi_remove_async_cleanup_hook(queue->hook_);
  const std::shared_ptr<CompletionQueue> last = std::move(queue->self_);
}

}  // namespace kaitian
