#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "signature.h"

namespace kaitian {

// How far an operation had come. The order goes over the wire.
enum class Phase : uint8_t {
  Arrive,   // some ranks had not called it, or marked it ready
  Compare,  // other groups had not announced it
  Reduce,   // its pieces were being worked on in this group
  Bridge,   // chunks were on their way between groups
};

// Somebody called abort.
struct Aborted {
  std::string cause;
};

// These ranks had not done their part when the deadline passed (C4).
struct DeadlineExceeded {
  // Which operation: its lane, and its number there; here and below.
  uint32_t lane;
  uint64_t sequence;
  std::vector<int> missing;
  double deadlineMs;
  Phase phase = Phase::Arrive;
};

// These ranks left, or their threads ended, before they had done their part (C4).
struct PeersLeft {
  uint32_t lane;
  uint64_t sequence;
  std::vector<int> missing;
};

// The link to a group carries nothing any more, and was not restored in time.
struct GroupLost {
  uint32_t group;
  // The order goes over the wire.
  enum class Reason : uint8_t { Closed, Silent, Malformed, Corrupt } reason = Reason::Closed;
  std::string detail;
};

// Why a communicator was aborted. Sentences are made of it in TypeScript, in
// one place for both implementations.
using Failure = std::variant<Aborted, Mismatch, DeadlineExceeded, PeersLeft, GroupLost>;

}  // namespace kaitian
