#include "membership_handle.h"

#include "../core/registry.h"
#include "failure_object.h"

namespace kaitian {

Napi::Function MembershipHandle::define(Napi::Env env) {
  return DefineClass(env, "Membership",
                     {
                         InstanceMethod<&MembershipHandle::join>("join"),
                         InstanceMethod<&MembershipHandle::ready>("ready"),
                         InstanceMethod<&MembershipHandle::failure>("failure"),
                         InstanceMethod<&MembershipHandle::leave>("leave"),
                     });
}

MembershipHandle::MembershipHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<MembershipHandle>(info) {}

MembershipHandle::~MembershipHandle() {
  // The environment is ending.
  if (joined_) communicator_->leave(rank_);
}

Napi::Value MembershipHandle::join(const Napi::CallbackInfo& info) {
  const auto id = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
  rank_ = info[1].As<Napi::Number>().Uint32Value();
  communicator_ = Registry::process().find(id);
  if (communicator_ == nullptr || rank_ >= communicator_->ranks()) {
    communicator_ = nullptr;
    return Napi::String::New(info.Env(), "gone");
  }
  joined_ = communicator_->join(rank_);
  // Held until it leaves: collected, it would leave at the collector's whim.
  if (joined_) Ref();
  return Napi::String::New(info.Env(), joined_ ? "joined" : "taken");
}

Napi::Value MembershipHandle::ready(const Napi::CallbackInfo& info) {
  // Late calls after leaving are harmless, and common.
  const bool marked = !joined_ || communicator_->ready(rank_, readSignature(info, 0));
  return Napi::Boolean::New(info.Env(), marked);
}

Napi::Value MembershipHandle::failure(const Napi::CallbackInfo& info) {
  if (communicator_ == nullptr) return info.Env().Undefined();
  const std::optional<Failure> failure = communicator_->failure();
  return failure ? failureObject(info.Env(), *failure) : info.Env().Undefined();
}

void MembershipHandle::leave(const Napi::CallbackInfo&) {
  if (!joined_) return;
  joined_ = false;
  communicator_->leave(rank_);
  Unref();
}

}  // namespace kaitian
