#include "membership_handle.h"

#include <utility>

#include "../core/registry.h"
#include "addon.h"
#include "call_argument.h"
#include "failure_object.h"

namespace kaitian {

Napi::Function MembershipHandle::define(Napi::Env env) {
  return DefineClass(env, "Membership",
                     {
                         InstanceMethod<&MembershipHandle::join>("join"),
                         InstanceMethod<&MembershipHandle::ready>("ready"),
                         InstanceMethod<&MembershipHandle::call>("call"),
                         InstanceMethod<&MembershipHandle::callElsewhere>("callElsewhere"),
                         InstanceMethod<&MembershipHandle::pass>("pass"),
                         InstanceMethod<&MembershipHandle::failure>("failure"),
                         InstanceMethod<&MembershipHandle::leave>("leave"),
                     });
}

MembershipHandle::MembershipHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<MembershipHandle>(info),
      completions_(info.Env().GetInstanceData<Addon>()->completions()) {}

MembershipHandle::~MembershipHandle() {
  // The environment is ending.
  if (joined_) communicator_->leave(rank_);
}

Napi::Value MembershipHandle::join(const Napi::CallbackInfo& info) {
  const auto id = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
  rank_ = info[1].As<Napi::Number>().Uint32Value();
  communicator_ = Registry::process().find(id);
  if (communicator_ == nullptr || !communicator_->isHere(rank_)) {
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
  if (!joined_) return outcomeNumber(info.Env(), Outcome::Failed);
  return outcomeNumber(info.Env(), communicator_->ready(rank_, readSignature(info, 0)));
}

Napi::Value MembershipHandle::call(const Napi::CallbackInfo& info) {
  if (!joined_) return outcomeNumber(info.Env(), Outcome::Failed);
  const uint32_t token = info[0].As<Napi::Number>().Uint32Value();
  const auto later = [&] { return completion(token); };
  return outcome(info.Env(), communicator_->call(rank_, readCall(info, 1), later));
}

Napi::Value MembershipHandle::callElsewhere(const Napi::CallbackInfo& info) {
  if (!joined_) return outcomeNumber(info.Env(), Outcome::Failed);
  Arrival arrival = readCall(info, 1);
  arrival.done = completion(info[0].As<Napi::Number>().Uint32Value());
  return outcome(info.Env(), communicator_->callLater(rank_, std::move(arrival)));
}

Napi::Value MembershipHandle::pass(const Napi::CallbackInfo& info) {
  if (!joined_) return outcomeNumber(info.Env(), Outcome::Failed);
  const uint32_t token = info[0].As<Napi::Number>().Uint32Value();
  Arrival arrival = readCall(info, 1);
  const size_t peer = std::exchange(arrival.signature.root, 0);
  const bool sends = !info[4].IsUndefined();
  const size_t from = sends ? rank_ : peer;
  const size_t to = sends ? peer : rank_;
  const auto later = [&] { return completion(token); };
  return outcome(info.Env(), communicator_->pass(from, to, rank_, std::move(arrival), later));
}

Completion MembershipHandle::completion(uint32_t token) const {
  return [completions = completions_, token](const Failure* failure) {
    completions->post(token, failure);
  };
}

// What is pending keeps the event loop alive; it is posted by a later turn at
// the earliest, so that announcing it now is early enough.
Napi::Value MembershipHandle::outcome(Napi::Env env, Outcome outcome) {
  if (outcome == Outcome::Pending) completions_->expect();
  return outcomeNumber(env, outcome);
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
