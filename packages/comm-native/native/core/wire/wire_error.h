#pragma once

#include <stdexcept>
#include <string>

#include "link.h"

namespace kaitian::wire {

// What arrived breaks docs/wire-format.md; it costs the peer its connection.
class WireError : public std::runtime_error {
 public:
  WireError(Loss::Reason reason, const std::string& detail)
      : std::runtime_error(detail), reason(reason) {}

  const Loss::Reason reason;
};

inline WireError malformed(const std::string& detail) {
  return {Loss::Reason::Malformed, detail};
}

inline WireError corrupt(const std::string& detail) { return {Loss::Reason::Corrupt, detail}; }

}  // namespace kaitian::wire
