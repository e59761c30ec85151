#include "communicator_handle.h"

#include <utility>

#include "../core/registry.h"
#include "addon.h"
#include "failure_object.h"
#include "region_argument.h"

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

CommunicatorOptions readOptions(const Napi::CallbackInfo& info) {
  CommunicatorOptions options;
  const std::chrono::duration<double, std::milli> deadline(
      info[0].As<Napi::Number>().DoubleValue());
  options.deadline = std::chrono::duration_cast<std::chrono::nanoseconds>(deadline);
  options.ranks = info[1].As<Napi::Number>().Uint32Value();
  const Napi::Array byDtype = info[2].As<Napi::Array>();
  constexpr DType kInUse[] = {DType::F32, DType::I64};
  for (uint32_t i = 0; i < std::size(kInUse); ++i) {
    auto& regions = options.regions[static_cast<size_t>(kInUse[i])];
    regions = readRegions(byDtype.Get(i).As<Napi::Array>());
    refuseOverlap(info.Env(), regions);
  }
  return options;
}

std::optional<Failure> copied(const Failure* failure) {
  return failure == nullptr ? std::nullopt : std::optional<Failure>(*failure);
}

}  // namespace

Napi::Function CommunicatorHandle::define(Napi::Env env) {
  return DefineClass(env, "Communicator",
                     {
                         InstanceMethod<&CommunicatorHandle::id>("id"),
                         InstanceMethod<&CommunicatorHandle::issue>("issue"),
                         InstanceMethod<&CommunicatorHandle::abort>("abort"),
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

void CommunicatorHandle::issue(const Napi::CallbackInfo& info) {
  const uint32_t token = info[0].As<Napi::Number>().Uint32Value();
  completions_->expect();
  communicator_->issue(readSignature(info, 1),
                       [completions = completions_, token](const Failure* failure) {
                         completions->post(token, copied(failure));
                       });
}

void CommunicatorHandle::abort(const Napi::CallbackInfo& info) {
  communicator_->abort(Aborted{info[0].As<Napi::String>()});
}

void CommunicatorHandle::end(const Napi::CallbackInfo& info) {
  const uint32_t token = info[0].As<Napi::Number>().Uint32Value();
  completions_->expect();
  communicator_->whenEnded(
      [completions = completions_, token] { completions->post(token, std::nullopt); });
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
