#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dtype.h"
#include "op.h"

namespace kaitian {

// The order is that of COLLECTIVES in src/collective.ts, and goes over the wire.
enum class Collective : uint8_t {
  Allreduce,
  Reduce,
  Broadcast,
  Allgather,
  ReduceScatter,
  AllToAll,
  Gather,
  Scatter,
  Barrier,
  SendRecv,
};

// What all members must agree on before any data moves (C3).
struct Signature {
  // Counts the operations of a lane.
  uint64_t sequence = 0;
  // Elements: of the whole in allreduce, reduce, broadcast and sendRecv, of one
  // rank's piece in the others.
  uint64_t count = 0;
  // First element in the ranks' regions; 0 for explicit calls.
  uint64_t offset = 0;
  uint64_t generation = 0;
  // A rank, where the collective has one; 0 otherwise.
  uint32_t root = 0;
  Collective collective = Collective::Allreduce;
  Op op = Op::Sum;
  DType dtype = DType::F32;

  bool operator==(const Signature&) const = default;
};

// The leader of a group, who issued the operation, in a list of ranks.
constexpr int leaderOf(size_t group) { return -1 - static_cast<int>(group); }

// A signature and the rank that came with it.
struct Marked {
  int rank;
  Signature signature;
};

struct Mismatch {
  uint32_t lane;
  uint64_t sequence;
  Signature expected;
  std::vector<Marked> differing;
};

// The signature that most hold is the expected one (the first one's on a tie),
// so that the odd one out is named and not those who agree. Empty when all
// agree; `marked` is not empty.
std::optional<Mismatch> compare(uint32_t lane, std::span<const Marked> marked);

// Whether it computes, and so has an op.
bool isReduction(Collective collective);

}  // namespace kaitian
