#pragma once

#include "combine_level.h"
#include "formats.h"

// The loops of one level. See lanes.h for what must not be called here.

namespace kaitian {
namespace {

struct Sum {
  template <typename In, typename V>
  static inline V apply(V left, V right) {
    return left + right;
  }
};

struct Prod {
  template <typename In, typename V>
  static inline V apply(V left, V right) {
    return left * right;
  }
};

// Equal operands have the same bits or are zeros, whose only bit is the sign. A
// NaN on the left wins by a comparison of its own, one on the right as the
// others with it do not hold.
template <bool kLeast, typename V>
inline V extremum(V left, V right) {
  const auto wins = kLeast ? left < right : left > right;
  using Bits = __typeof__(wins);
  const auto ties = left == right;
  const Bits tie = kLeast ? (Bits)left | (Bits)right : (Bits)left & (Bits)right;
  const Bits chosen = select(wins | (left != left), (Bits)left, (Bits)right);
  return (V)select(ties, tie, chosen);
}

template <bool kLeast>
struct Extremum {
  template <typename In, typename V>
  static inline V apply(V left, V right) {
    if constexpr (requires { typename In::Compared; }) {
      const auto one = (typename In::Compared)left;
      const auto other = (typename In::Compared)right;
      return (V)(kLeast ? (one < other ? one : other) : (one > other ? one : other));
    } else {
      return extremum<kLeast>(left, right);
    }
  }
};

template <typename In, typename Op, typename V>
inline Pair<V> apply(Pair<V> left, Pair<V> right) {
  return {Op::template apply<In>(left.low, right.low),
          Op::template apply<In>(left.high, right.high)};
}

template <typename V>
inline Pair<V> divide(Pair<V> value, V divisor) {
  return {value.low / divisor, value.high / divisor};
}

// Up to this many parts and outputs are read and written in step. More would
// put each other out of the first-level cache, where equally aligned buffers
// share few lines.
constexpr size_t kMostStreams = 8;

// What one block accumulates, in the first-level cache.
constexpr size_t kBlockBytes = 4096;

template <typename In, typename Out, typename Op, bool kDivides>
struct Loop {
  using Vector = typename In::Vector;
  using Scalar = __typeof__(Vector{}[0] + Vector{}[0]);
  using Accumulator = Pair<Vector>;
  using Stored = typename Out::Stored;
  static constexpr size_t kStep = In::kElements;
  static constexpr size_t kRead = kStep * In::kWidth;
  static constexpr size_t kWritten = kStep * Out::kWidth;
  static constexpr size_t kBlockSteps = kBlockBytes / sizeof(Accumulator);
  static_assert(Out::kElements == kStep);

  static inline Stored finish(Accumulator value, Vector divisor) {
    if constexpr (kDivides) value = divide(value, divisor);
    return Out::encode(value);
  }

  static inline Accumulator join(Accumulator left, const std::byte* right) {
    return apply<In, Op>(left, In::read(right));
  }

  // Step `at`, or two from there: all parts first, then all outputs, straight
  // from registers, where g++ 12 would not keep an array.
  template <bool kTwo>
  static inline void tile(CombineTask task, size_t at, Vector divisor) {
    const std::byte* from = task.parts[0] + at * kRead;
    Accumulator first = In::read(from);
    Accumulator second = kTwo ? In::read(from + kRead) : Accumulator{};
    for (size_t part = 1; part < task.partCount; ++part) {
      from = task.parts[part] + at * kRead;
      first = join(first, from);
      if constexpr (kTwo) second = join(second, from + kRead);
    }
    const Stored one = finish(first, divisor);
    const Stored two = finish(second, divisor);
    for (size_t output = 0; output < task.outputCount; ++output) {
      std::byte* into = task.outputs[output] + at * kWritten;
      Out::write(into, one);
      if constexpr (kTwo) Out::write(into + kWritten, two);
    }
  }

  static inline void direct(CombineTask task, size_t steps, Vector divisor) {
    size_t at = 0;
    for (; at + 2 <= steps; at += 2) tile<true>(task, at, divisor);
    if (at < steps) tile<false>(task, at, divisor);
  }

  // Counts that the compiler knows unroll the loops. The addresses are copied:
  // for all it knows, writing to an output could change them.
  template <size_t kParts, size_t kOutputs>
  static inline void fixed(const CombineTask& task, size_t steps, Vector divisor) {
    const std::byte* parts[kParts];
    std::byte* outputs[kOutputs];
    for (size_t part = 0; part < kParts; ++part) parts[part] = task.parts[part];
    for (size_t output = 0; output < kOutputs; ++output) outputs[output] = task.outputs[output];
    direct({outputs, kOutputs, parts, kParts, task.count, task.divisor}, steps, divisor);
  }

  // As tile, but part by part and output by output, through memory.
  static inline void block(const CombineTask& task, size_t at, size_t steps, Vector divisor) {
    Accumulator value[kBlockSteps];
    Stored stored[kBlockSteps];
    for (size_t k = 0; k < steps; ++k) value[k] = In::read(task.parts[0] + (at + k) * kRead);
    for (size_t part = 1; part < task.partCount; ++part) {
      const std::byte* from = task.parts[part] + at * kRead;
      for (size_t k = 0; k < steps; ++k) value[k] = join(value[k], from + k * kRead);
    }
    for (size_t k = 0; k < steps; ++k) stored[k] = finish(value[k], divisor);
    for (size_t output = 0; output < task.outputCount; ++output) {
      std::byte* into = task.outputs[output] + at * kWritten;
      for (size_t k = 0; k < steps; ++k) Out::write(into + k * kWritten, stored[k]);
    }
  }

  static inline void blocked(const CombineTask& task, size_t steps, Vector divisor) {
    for (size_t at = 0; at < steps; at += kBlockSteps) {
      block(task, at, steps - at < kBlockSteps ? steps - at : kBlockSteps, divisor);
    }
  }

  // What is less than a step goes through buffers of a step.
  static inline void rest(const CombineTask& task, size_t at, Vector divisor) {
    const size_t count = task.count % kStep;
    alignas(kVectorBytes) std::byte buffer[kRead] = {};
    memcpy(buffer, task.parts[0] + at * kRead, count * In::kWidth);
    Accumulator value = In::read(buffer);
    for (size_t part = 1; part < task.partCount; ++part) {
      memcpy(buffer, task.parts[part] + at * kRead, count * In::kWidth);
      value = join(value, buffer);
    }
    alignas(kVectorBytes) std::byte result[kWritten];
    Out::write(result, finish(value, divisor));
    for (size_t output = 0; output < task.outputCount; ++output) {
      memcpy(task.outputs[output] + at * kWritten, result, count * Out::kWidth);
    }
  }

  static void run(const CombineTask& task) {
    const size_t steps = task.count / kStep;
    const Vector divisor = Vector{} + static_cast<Scalar>(kDivides ? task.divisor : 1);
    if (task.partCount > kMostStreams || task.outputCount > kMostStreams) {
      blocked(task, steps, divisor);
    } else if (task.partCount == 2 && task.outputCount == 1) {
      fixed<2, 1>(task, steps, divisor);
    } else if (task.partCount == 2 && task.outputCount == 2) {
      fixed<2, 2>(task, steps, divisor);
    } else {
      direct(task, steps, divisor);
    }
    if (task.count % kStep != 0) rest(task, steps, divisor);
  }
};

template <typename In, typename Out>
CombineKernel floatKernel(Op op, bool divides) {
  switch (op) {
    case Op::Sum:
      return Loop<In, Out, Sum, false>::run;
    case Op::Prod:
      return Loop<In, Out, Prod, false>::run;
    case Op::Min:
      return Loop<In, Out, Extremum<true>, false>::run;
    case Op::Max:
      return Loop<In, Out, Extremum<false>, false>::run;
    case Op::Avg:
      return divides ? Loop<In, Out, Sum, true>::run : Loop<In, Out, Sum, false>::run;
  }
  return nullptr;
}

template <typename Unsigned, typename Element>
CombineKernel integerKernel(Op op) {
  using Wrapping = Integer<Unsigned, Unsigned>;
  using Ordered = Integer<Unsigned, Element>;
  switch (op) {
    case Op::Sum:
    case Op::Avg:
      return Loop<Wrapping, Wrapping, Sum, false>::run;
    case Op::Prod:
      return Loop<Wrapping, Wrapping, Prod, false>::run;
    case Op::Min:
      return Loop<Ordered, Ordered, Extremum<true>, false>::run;
    case Op::Max:
      return Loop<Ordered, Ordered, Extremum<false>, false>::run;
  }
  return nullptr;
}

inline CombineKernel kernelFor(const Reduction& reduction) {
  const bool divides = reduction.divisor > 1;
  const bool toBf16 = reduction.output == DType::BF16;
  switch (reduction.dtype) {
    case DType::F64:
      return floatKernel<Float<double>, Float<double>>(reduction.op, divides);
    case DType::F32:
      return toBf16 ? floatKernel<Float<float>, Bf16InOrder>(reduction.op, divides)
                    : floatKernel<Float<float>, Float<float>>(reduction.op, divides);
    case DType::F16:
      return floatKernel<F16, F16>(reduction.op, divides);
    case DType::BF16:
      return toBf16 ? floatKernel<Bf16, Bf16>(reduction.op, divides)
                    : floatKernel<Bf16InOrder, Float<float>>(reduction.op, divides);
    case DType::I64:
      return integerKernel<uint64_t, int64_t>(reduction.op);
    case DType::I32:
      return integerKernel<uint32_t, int32_t>(reduction.op);
    case DType::I8:
      return integerKernel<uint8_t, int8_t>(reduction.op);
    case DType::U8:
      return integerKernel<uint8_t, uint8_t>(reduction.op);
  }
  return nullptr;
}

}  // namespace
}  // namespace kaitian
