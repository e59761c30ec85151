#include "kernel_functions.h"

#include <vector>

#include "../core/float_environment.h"
#include "../core/kernels/combine.h"
#include "../core/kernels/dequantise.h"
#include "../core/kernels/digest.h"
#include "../core/kernels/quantise.h"
#include "../core/kernels/running_statistic.h"
#include "../core/kernels/sgd.h"

namespace kaitian {
namespace {

template <typename T>
struct View {
  T* data;
  size_t length;
};

template <typename T>
View<T> view(const Napi::Value& value) {
  const auto array = value.As<Napi::TypedArrayOf<T>>();
  // Data() of a const array is const, which outputs are not.
  return {const_cast<T*>(array.Data()), array.ElementLength()};
}

float single(const Napi::Value& value) { return value.As<Napi::Number>().FloatValue(); }

template <typename T, DType dtype>
void sumViews(const Napi::CallbackInfo& info) {
  const DefaultFloatEnvironment environment;
  const View<T> into = view<T>(info[0]);
  const Napi::Array array = info[1].As<Napi::Array>();
  std::vector<const std::byte*> parts;
  for (uint32_t i = 0; i < array.Length(); ++i) {
    parts.push_back(reinterpret_cast<const std::byte*>(view<T>(array.Get(i)).data));
  }
  std::byte* const outputs[] = {reinterpret_cast<std::byte*>(into.data)};
  combine({Op::Sum, dtype, dtype, 0}, outputs, parts, into.length);
}

Napi::Value quantiseViews(const Napi::CallbackInfo& info) {
  const DefaultFloatEnvironment environment;
  const View<int64_t> sums = view<int64_t>(info[0]);
  const View<float> values = view<float>(info[1]);
  const int exponent = info[2].As<Napi::Number>().Int32Value();
  return Napi::Number::New(info.Env(), quantise(sums.data, values.data, values.length, exponent));
}

void dequantiseViews(const Napi::CallbackInfo& info) {
  const DefaultFloatEnvironment environment;
  const View<float> into = view<float>(info[0]);
  const View<int64_t> sums = view<int64_t>(info[1]);
  dequantise(into.data, sums.data, into.length, info[2].As<Napi::Number>().Int32Value());
}

void addTo(const Napi::Value& words, const Digest& digest) {
  const View<uint64_t> into = view<uint64_t>(words);
  into.data[0] += digest.sums[0];
  into.data[1] += digest.sums[1];
  into.data[2] += digest.notFinite;
}

void digestViews(const Napi::CallbackInfo& info) {
  const View<float> state = view<float>(info[1]);
  const float* const velocity = info[2].IsUndefined() ? nullptr : view<float>(info[2]).data;
  const auto first = static_cast<uint64_t>(info[3].As<Napi::Number>().Int64Value());
  addTo(info[0], digestOf(state.data, velocity, state.length, first));
}

void sgdViews(const Napi::CallbackInfo& info) {
  const DefaultFloatEnvironment environment;
  const Napi::Object step = info[0].As<Napi::Object>();
  const View<float> weights = view<float>(step.Get("weights"));
  const Digest digest = sgd({
      .weights = weights.data,
      .velocity = view<float>(step.Get("velocity")).data,
      .sum = view<float>(step.Get("sum")).data,
      .nextWeights = view<float>(step.Get("nextWeights")).data,
      .nextVelocity = view<float>(step.Get("nextVelocity")).data,
      .size = weights.length,
      .count = single(step.Get("count")),
      .learningRate = single(step.Get("learningRate")),
      .momentum = single(step.Get("momentum")),
      .weightDecay = single(step.Get("weightDecay")),
  });
  addTo(step.Get("digest"), digest);
}

void runningStatisticViews(const Napi::CallbackInfo& info) {
  const DefaultFloatEnvironment environment;
  const View<float> next = view<float>(info[0]);
  runningStatistic({
      .next = next.data,
      .running = view<float>(info[1]).data,
      .sum = view<float>(info[2]).data,
      .size = next.length,
      .count = single(info[3]),
      .momentum = single(info[4]),
  });
}

}  // namespace

void exportKernels(Napi::Env env, Napi::Object exports) {
  exports["sumF32"] = Napi::Function::New<sumViews<float, DType::F32>>(env, "sumF32");
  exports["sumI64"] = Napi::Function::New<sumViews<int64_t, DType::I64>>(env, "sumI64");
  exports["quantise"] = Napi::Function::New<quantiseViews>(env, "quantise");
  exports["dequantise"] = Napi::Function::New<dequantiseViews>(env, "dequantise");
  exports["digest"] = Napi::Function::New<digestViews>(env, "digest");
  exports["sgd"] = Napi::Function::New<sgdViews>(env, "sgd");
  exports["runningStatistic"] = Napi::Function::New<runningStatisticViews>(env, "runningStatistic");
}

}  // namespace kaitian
