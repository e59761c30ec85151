#include "completion_queue.h"

#include <utility>

#include "failure_object.h"

namespace kaitian {

std::shared_ptr<CompletionQueue> CompletionQueue::open(Napi::Env env) {
  uv_loop_t* loop = nullptr;
  napi_get_uv_event_loop(env, &loop);
  const std::shared_ptr<CompletionQueue> queue(new CompletionQueue(env));
  if (loop == nullptr || uv_async_init(loop, &queue->wake_, onWake) != 0) {
    throw Napi::Error::New(env, "the event loop gives no handle");
  }
  queue->wake_.data = queue.get();
  queue->self_ = queue;
  uv_unref(reinterpret_cast<uv_handle_t*>(&queue->wake_));
  napi_add_async_cleanup_hook(env, onCleanup, queue.get(), &queue->hook_);
  return queue;
}

void CompletionQueue::deliverTo(const Napi::Function& deliver) {
  deliver_ = Napi::Persistent(deliver);
}

void CompletionQueue::expect() {
  if (expected_++ == 0) uv_ref(reinterpret_cast<uv_handle_t*>(&wake_));
}

void CompletionQueue::post(uint32_t token, std::optional<Failure> failure) {
  const std::lock_guard lock(mutex_);
  if (closed_) return;
  posted_.push_back({token, std::move(failure)});
  // Inside the lock: the handle must not be closed between the look and the call.
  uv_async_send(&wake_);
}

void CompletionQueue::onWake(uv_async_t* handle) {
  static_cast<CompletionQueue*>(handle->data)->deliver();
}

void CompletionQueue::deliver() {
  std::vector<Completion> completions;
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    completions.swap(posted_);
  }
  expected_ -= completions.size();
  if (expected_ == 0) uv_unref(reinterpret_cast<uv_handle_t*>(&wake_));

  const Napi::Env env(env_);
  const Napi::HandleScope scope(env);
  for (const Completion& completion : completions) {
    const napi_value arguments[] = {
        Napi::Number::New(env, completion.token),
        completion.failure ? failureObject(env, *completion.failure) : env.Undefined(),
    };
    // Fails only while the worker is being terminated, and then nobody waits.
    napi_make_callback(env, nullptr, env.Global(), deliver_.Value(), 2, arguments, nullptr);
  }
}

void CompletionQueue::onCleanup(napi_async_cleanup_hook_handle hook, void* queue) {
  static_cast<CompletionQueue*>(queue)->close(hook);
}

void CompletionQueue::close(napi_async_cleanup_hook_handle hook) {
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    posted_.clear();
  }
  hook_ = hook;
  deliver_.Reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&wake_), onClosed);
}

void CompletionQueue::onClosed(uv_handle_t* handle) {
  auto* const queue = static_cast<CompletionQueue*>(handle->data);
  // The environment waits for this, so it comes after libuv has let go.
  napi_remove_async_cleanup_hook(queue->hook_);
  const std::shared_ptr<CompletionQueue> last = std::move(queue->self_);
}

}  // namespace kaitian
