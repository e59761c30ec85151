#pragma once

#include "core/lane.h"

// A lane's communicator for tests, in which nothing goes wrong.
class QuietHost : public kaitian::LaneHost {
 public:
  bool aborted() const override { return false; }
  std::optional<kaitian::Failure> failure() const override { return std::nullopt; }
  void abort(kaitian::Failure) override {}
  bool announce(kaitian::Lane&, kaitian::Operation&, uint64_t) override { return true; }
  bool performsAtOnce() const override { return true; }
  size_t pieceOf(const kaitian::Lane&, const kaitian::Signature&) const override { return 1024; }
  void watch() override {}
};
