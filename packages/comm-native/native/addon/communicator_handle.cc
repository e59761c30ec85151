#include "communicator_handle.h"

#include <utility>

#include "../core/registry.h"
#include "addon.h"
#include "call_argument.h"
#include "failure_object.h"
#include "region_argument.h"
#include "trunk_handle.h"

namespace kaitian {
namespace {

// One dtype's regions by rank: each { buffer, byteOffset, byteLength }.
std::vector<Region> readRegions(const Napi::Array& array) {
  std::vector<Region> regions;
  for (uint32_t rank = 0; rank < array.Length(); ++rank) {
    const Napi::Object object = array.Get(rank).As<Napi::Object>();
    regions.push_back(
        readRegion(object.Get("buffer"), object.Get("byteOffset"), object.Get("byteLength")));
  }
  return regions;
}

void refuseOverlap(Napi::Env env, const std::vector<Region>& regions) {
  for (size_t one = 0; one < regions.size(); ++one) {
    for (size_t other = 0; other < one; ++other) {
      if (!regions[one].overlaps(regions[other])) continue;
      throw Napi::RangeError::New(env, "the regions of ranks " + std::to_string(other) + " and " +
                                           std::to_string(one) + " overlap");
    }
  }
}

std::chrono::nanoseconds milliseconds(const Napi::Value& value) {
  const std::chrono::duration<double, std::milli> time(value.As<Napi::Number>().DoubleValue());
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time);
}

// By group; undefined for this process's own.
std::vector<std::shared_ptr<Trunk>> readTrunks(const Napi::Array& array) {
  std::vector<std::shared_ptr<Trunk>> trunks;
  for (uint32_t group = 0; group < array.Length(); ++group) {
    const Napi::Value handle = array.Get(group);
    trunks.push_back(handle.IsUndefined()
                         ? nullptr
                         : TrunkHandle::Unwrap(handle.As<Napi::Object>())->trunk());
  }
  return trunks;
}

CommunicatorOptions readOptions(const Napi::CallbackInfo& info) {
  CommunicatorOptions options;
  options.deadline = milliseconds(info[0]);
  options.patience = milliseconds(info[1]);
  options.generation = static_cast<uint64_t>(info[2].As<Napi::Number>().Int64Value());
  const Napi::Array sizes = info[3].As<Napi::Array>();
  std::vector<size_t> groups;
  for (uint32_t i = 0; i < sizes.Length(); ++i) {
    groups.push_back(sizes.Get(i).As<Napi::Number>().Uint32Value());
  }
  options.groups = Groups(std::move(groups));
  options.wire = info[4].As<Napi::Boolean>() ? WirePrecision::Bf16 : WirePrecision::Full;
  const int64_t group = info[6].As<Napi::Number>().Int64Value();
  if (group >= 0) options.group = static_cast<size_t>(group);
  options.trunks = readTrunks(info[7].As<Napi::Array>());
  const Napi::Array byDtype = info[5].As<Napi::Array>();
  for (uint32_t dtype = 0; dtype < kDTypes; ++dtype) {
    auto& regions = options.regions[dtype];
    regions = readRegions(byDtype.Get(dtype).As<Napi::Array>());
    refuseOverlap(info.Env(), regions);
  }
  return options;
}

}  // namespace

Napi::Function CommunicatorHandle::define(Napi::Env env) {
  return DefineClass(env, "Communicator",
                     {
                         InstanceMethod<&CommunicatorHandle::id>("id"),
                         InstanceMethod<&CommunicatorHandle::issue>("issue"),
                         InstanceMethod<&CommunicatorHandle::abort>("abort"),
                         InstanceMethod<&CommunicatorHandle::retire>("retire"),
                         InstanceMethod<&CommunicatorHandle::end>("end"),
                         InstanceMethod<&CommunicatorHandle::release>("release"),
                     });
}

CommunicatorHandle::CommunicatorHandle(const Napi::CallbackInfo& info)
    : Napi::ObjectWrap<CommunicatorHandle>(info),
      completions_(info.Env().GetInstanceData<Addon>()->completions()),
      communicator_(std::make_shared<Communicator>(readOptions(info))),
      id_(Registry::process().add(communicator_)) {
  // Held until `release`: collected, it would abort at the collector's whim.
  Ref();
}

CommunicatorHandle::~CommunicatorHandle() {
  // Null when the constructor threw.
  if (communicator_ != nullptr && !released_) close();
}

Napi::Value CommunicatorHandle::id(const Napi::CallbackInfo& info) {
  return Napi::Number::New(info.Env(), static_cast<double>(id_));
}

Napi::Value CommunicatorHandle::issue(const Napi::CallbackInfo& info) {
  const uint32_t token = info[0].As<Napi::Number>().Uint32Value();
  const Completion done = [completions = completions_, token](const Failure* failure) {
    completions->post(token, failure);
  };
  const Outcome outcome = communicator_->issue(readSignature(info, 1), done);
  if (outcome != Outcome::TooFar) completions_->expect();
  if (outcome == Outcome::Failed) {
    const std::optional<Failure> failure = communicator_->failure();
    done(&*failure);
  }
  return outcomeNumber(info.Env(), outcome);
}

void CommunicatorHandle::abort(const Napi::CallbackInfo& info) {
  communicator_->abort(Aborted{info[0].As<Napi::String>()});
}

void CommunicatorHandle::retire(const Napi::CallbackInfo& info) {
  communicator_->retire(info[0].As<Napi::String>());
}

void CommunicatorHandle::end(const Napi::CallbackInfo& info) {
  const uint32_t token = info[0].As<Napi::Number>().Uint32Value();
  completions_->expect();
  communicator_->whenEnded(
      [completions = completions_, token] { completions->post(token, nullptr); });
}

void CommunicatorHandle::release(const Napi::CallbackInfo&) {
  if (released_) return;
  released_ = true;
  close();
  Unref();
}

void CommunicatorHandle::close() {
  Registry::process().remove(id_);
  communicator_->close();
}

}  // namespace kaitian
