#include "failure_object.h"

#include "../core/lane_numbers.h"
#include "names.h"

namespace kaitian {
namespace {

Napi::Number number(Napi::Env env, uint64_t value) {
  // Exact: numbers came from safe integers.
  return Napi::Number::New(env, static_cast<double>(value));
}

Napi::Object signatureObject(Napi::Env env, const Signature& signature) {
  Napi::Object object = Napi::Object::New(env);
  object["sequence"] = number(env, signature.sequence);
  object["collective"] = Napi::String::New(env, nameOf(kCollectiveNames, signature.collective));
  object["op"] = Napi::String::New(env, nameOf(kOpNames, signature.op));
  object["dtype"] = Napi::String::New(env, nameOf(kDTypeNames, signature.dtype));
  object["count"] = number(env, signature.count);
  object["offset"] = number(env, signature.offset);
  object["root"] = number(env, signature.root);
  object["generation"] = number(env, signature.generation);
  return object;
}

Napi::Array ranksArray(Napi::Env env, const std::vector<int>& ranks) {
  Napi::Array array = Napi::Array::New(env, ranks.size());
  for (uint32_t i = 0; i < ranks.size(); ++i) array[i] = Napi::Number::New(env, ranks[i]);
  return array;
}

// As src/failure.ts calls what runs on a lane.
const char* operationName(uint32_t lane) {
  if (lane == kCallLane) return "call";
  return lane == kBucketLane ? "bucket" : "message";
}

struct ToObject {
  Napi::Env env;
  Napi::Object object;

  void kind(const char* name) { object["kind"] = Napi::String::New(env, name); }

  template <typename OfOperation>
  void operation(const OfOperation& failure) {
    object["operation"] = Napi::String::New(env, operationName(failure.lane));
    object["sequence"] = number(env, failure.sequence);
  }

  void operator()(const Aborted& failure) {
    kind("aborted");
    object["cause"] = Napi::String::New(env, failure.cause);
  }
  void operator()(const Mismatch& failure) {
    kind("mismatch");
    operation(failure);
    object["expected"] = signatureObject(env, failure.expected);
    Napi::Array differing = Napi::Array::New(env, failure.differing.size());
    for (uint32_t i = 0; i < failure.differing.size(); ++i) {
      Napi::Object one = Napi::Object::New(env);
      one["rank"] = Napi::Number::New(env, failure.differing[i].rank);
      one["signature"] = signatureObject(env, failure.differing[i].signature);
      differing[i] = one;
    }
    object["differing"] = differing;
  }
  void operator()(const DeadlineExceeded& failure) {
    kind("deadline");
    operation(failure);
    object["missing"] = ranksArray(env, failure.missing);
    object["deadlineMs"] = Napi::Number::New(env, failure.deadlineMs);
    object["phase"] = Napi::String::New(env, nameOf(kPhaseNames, failure.phase));
  }
  void operator()(const GroupLost& failure) {
    kind("lost");
    object["group"] = Napi::Number::New(env, failure.group);
    object["reason"] = Napi::String::New(env, nameOf(kLossNames, failure.reason));
    object["detail"] = Napi::String::New(env, failure.detail);
  }
  void operator()(const PeersLeft& failure) {
    kind("left");
    operation(failure);
    object["missing"] = ranksArray(env, failure.missing);
  }
};

}  // namespace

Napi::Value failureObject(Napi::Env env, const Failure& failure) {
  ToObject convert{env, Napi::Object::New(env)};
  std::visit(convert, failure);
  return convert.object;
}

Signature readSignature(const Napi::CallbackInfo& info, size_t from) {
  const auto natural = [&](size_t index) {
    return static_cast<uint64_t>(info[from + index].As<Napi::Number>().Int64Value());
  };
  Signature signature;
  signature.op = static_cast<Op>(natural(0));
  signature.dtype = static_cast<DType>(natural(1));
  signature.sequence = natural(2);
  signature.count = natural(3);
  signature.offset = natural(4);
  signature.generation = natural(5);
  return signature;
}

}  // namespace kaitian
