#include "addon.h"

#include <node_version.h>

#include "../core/kernels/combine.h"
#include "../core/registry.h"
#include "backing_store.h"
#include "communicator_handle.h"
#include "device_context_handle.h"
#include "kernel_functions.h"
#include "membership_handle.h"
#include "shared_region_handle.h"
#include "trunk_handle.h"

// Everything that is exported is declared in src/native.ts.
namespace kaitian {
namespace {

std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "g++ " __VERSION__;
#else
  return "unknown compiler";
#endif
}

// addressModulo(buffer, modulus): V8 gives no alignment promise, so alignment
// is computed from the real address.
Napi::Value addressModulo(const Napi::CallbackInfo& info) {
  const auto address = reinterpret_cast<uintptr_t>(pinSharedArrayBuffer(info[0]).data);
  const uint32_t modulus = info[1].As<Napi::Number>().Uint32Value();
  return Napi::Number::New(info.Env(), static_cast<double>(address % modulus));
}

// abortCommunicator(id, cause): any thread; nothing happens when it is gone.
void abortCommunicator(const Napi::CallbackInfo& info) {
  const auto id = static_cast<uint64_t>(info[0].As<Napi::Number>().Int64Value());
  if (const auto communicator = Registry::process().find(id)) {
    communicator->abort(Aborted{info[1].As<Napi::String>()});
  }
}

CompletionQueue& completionsOf(Napi::Env env) {
  return *env.GetInstanceData<Addon>()->completions();
}

// onCompletion(wake)
void onCompletion(const Napi::CallbackInfo& info) {
  completionsOf(info.Env()).onCompletion(info[0].As<Napi::Function>());
}

// takeCompletions(settle)
void takeCompletions(const Napi::CallbackInfo& info) {
  completionsOf(info.Env()).take(info[0].As<Napi::Function>());
}

}  // namespace

Addon::Addon(Napi::Env env, Napi::Object exports) : completions_(CompletionQueue::open(env)) {
  exports["nodeModules"] = Napi::String::New(env, std::to_string(NODE_MODULE_VERSION));
  exports["compiler"] = Napi::String::New(env, compiler());
  exports["instructionSet"] = Napi::String::New(env, instructionSet());
  exports["Communicator"] = CommunicatorHandle::define(env);
  exports["DeviceContext"] = DeviceContextHandle::define(env);
  exports["Membership"] = MembershipHandle::define(env);
  exports["SharedRegion"] = SharedRegionHandle::define(env);
  exports["Trunk"] = TrunkHandle::define(env);
  exports["abortCommunicator"] = Napi::Function::New<abortCommunicator>(env, "abortCommunicator");
  exports["addressModulo"] = Napi::Function::New<addressModulo>(env, "addressModulo");
  exports["onCompletion"] = Napi::Function::New<onCompletion>(env, "onCompletion");
  exports["takeCompletions"] = Napi::Function::New<takeCompletions>(env, "takeCompletions");
  exportKernels(env, exports);
}

NODE_API_NAMED_ADDON(kaitian_comm, Addon)

}  // namespace kaitian
