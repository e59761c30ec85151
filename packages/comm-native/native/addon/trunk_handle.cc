#include "trunk_handle.h"

#include <fcntl.h>

#include <atomic>
#include <cerrno>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "addon.h"
#include "backing_store.h"

namespace kaitian {
namespace {

using wire::Loss;

wire::LinkOptions readOptions(const Napi::CallbackInfo& info) {
  const auto natural = [&](size_t index) { return info[index].As<Napi::Number>().Int64Value(); };
  wire::LinkOptions options;
  options.chunkBytes = static_cast<size_t>(natural(0));
  options.window = static_cast<size_t>(natural(1));
  options.keepAlive = std::chrono::milliseconds(natural(2));
  options.silence = std::chrono::milliseconds(natural(3));
  return options;
}

GroupLost::Reason reasonOf(Loss::Reason reason) {
  switch (reason) {
    case Loss::Reason::Silent:
      return GroupLost::Reason::Silent;
    case Loss::Reason::Malformed:
      return GroupLost::Reason::Malformed;
    case Loss::Reason::Corrupt:
      return GroupLost::Reason::Corrupt;
    case Loss::Reason::Closed:
    case Loss::Reason::Replaced:
    case Loss::Reason::Local:
      break;
  }
  // What was replaced or closed here is told by the detail.
  return GroupLost::Reason::Closed;
}

}  // namespace

Napi::Function TrunkHandle::define(Napi::Env env) {
  return DefineClass(env, "Trunk",
                     {
                         InstanceMethod<&TrunkHandle::received>("received"),
                         InstanceMethod<&TrunkHandle::attached>("attached"),
                         InstanceMethod<&TrunkHandle::attach>("attach"),
                         InstanceMethod<&TrunkHandle::close>("close"),
                         InstanceMethod<&TrunkHandle::peakBytes>("peakBytes"),
                     });
}

TrunkHandle::TrunkHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<TrunkHandle>(info),
      completions_(info.Env().GetInstanceData<Addon>()->completions()),
      trunk_(std::make_shared<Trunk>(readOptions(info))) {
  // Held until `close`: collected, it would cut the connection at the collector's whim.
  Ref();
}

TrunkHandle::~TrunkHandle() {
  // Null when the constructor threw. A communicator may hold it for longer.
  if (trunk_ != nullptr) trunk_->close();
}

Napi::Value TrunkHandle::received(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(trunk_->link().received()));
}

Napi::Value TrunkHandle::attached(const Napi::CallbackInfo& info) {
  return Napi::Boolean::New(info.Env(), trunk_->link().attached());
}

void TrunkHandle::attach(const Napi::CallbackInfo& info) {
  const int descriptor = info[0].As<Napi::Number>().Int32Value();
  const Region early = info[1].IsUndefined() ? Region{} : pinView(info[1]);
  const auto peerReceived = static_cast<uint64_t>(info[2].As<Napi::Number>().Int64Value());
  const uint32_t token = info[3].As<Napi::Number>().Uint32Value();
  completions_->expect();
  // A trunk that refuses a connection keeps this, and would report it once more
  // at the next one.
  const auto told = std::make_shared<std::atomic<bool>>(false);
  const auto lost = [completions = completions_, token, told](const Loss& loss) {
    if (told->exchange(true)) return;
    const Failure failure = GroupLost{0, reasonOf(loss.reason), loss.detail};
    completions->post(token, &failure);
  };
  // A trunk that is closed takes nothing and would not say so.
  if (closed_) return lost({Loss::Reason::Local, "closed here"});
  const int own = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
  if (own < 0) {
    return lost({Loss::Reason::Closed, "it could not be taken over: " +
                                           std::generic_category().message(errno)});
  }
  try {
    trunk_->attach(own, {early.data, early.bytes}, peerReceived, lost);
  } catch (const std::invalid_argument& error) {
    lost({Loss::Reason::Malformed, error.what()});
  } catch (const std::exception& error) {
    lost({Loss::Reason::Local, error.what()});
  }
}

void TrunkHandle::close(const Napi::CallbackInfo&) {
  if (std::exchange(closed_, true)) return;
  trunk_->close();
  Unref();
}

Napi::Value TrunkHandle::peakBytes(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(trunk_->link().peakBytes()));
}

}  // namespace kaitian
