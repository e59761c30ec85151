#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "signature.h"

namespace kaitian {

// Somebody called abort.
struct Aborted {
  std::string cause;
};

// These ranks had not marked the operation when its deadline passed (C4).
struct DeadlineExceeded {
  uint64_t sequence;
  std::vector<int> missing;
  double deadlineMs;
};

// These ranks left, or their threads ended, before they marked the operation (C4).
struct PeersLeft {
  uint64_t sequence;
  std::vector<int> missing;
};

// Why a communicator was aborted. Sentences are made of it in TypeScript, in
// one place for both implementations.
using Failure = std::variant<Aborted, Mismatch, DeadlineExceeded, PeersLeft>;

}  // namespace kaitian
