#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace kaitian {

enum class DType : uint8_t { F32, I64 };
constexpr size_t kDTypes = 2;

// What all members must agree on before any data moves (C3).
struct Signature {
  uint64_t sequence = 0;
  uint64_t count = 0;
  uint64_t offset = 0;
  uint64_t generation = 0;
  DType dtype = DType::F32;

  bool operator==(const Signature&) const = default;
};

// The leader, who issued the operation, in a list of ranks.
constexpr int kLeader = -1;

struct Mismatch {
  struct Differing {
    int rank;
    Signature signature;
  };
  uint64_t sequence;
  Signature expected;
  std::vector<Differing> differing;
};

// The signature that most hold is the expected one (the leader's on a tie), so
// that the odd one out is named and not those who agree. Empty when all agree.
std::optional<Mismatch> compare(const Signature& issued, std::span<const Signature> marked);

}  // namespace kaitian
