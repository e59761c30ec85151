#pragma once

#include <cstdint>

#include "call.h"
#include "step.h"

namespace kaitian {

// A collective, cut into steps of at most `piece` elements: a pure function of
// the signature, the number of ranks and the piece, so that all groups cut
// alike.
struct Schedule {
  uint64_t (*steps)(const Call& call, size_t piece);
  void (*fill)(const Call& call, size_t piece, uint64_t index, Step& step);
};

const Schedule& scheduleOf(Collective collective);

// One for each collective, in the file of its name.
extern const Schedule kAllreduce;
extern const Schedule kReduce;
extern const Schedule kBroadcast;
extern const Schedule kAllgather;
extern const Schedule kReduceScatter;
extern const Schedule kAllToAll;
extern const Schedule kGather;
extern const Schedule kScatter;
extern const Schedule kBarrier;
extern const Schedule kSendRecv;

// A run of `count` elements cut into pieces.
class Pieces {
 public:
  Pieces(uint64_t count, size_t piece) : count_(count), piece_(piece) {}

  uint64_t size() const { return (count_ + piece_ - 1) / piece_; }
  uint64_t from(uint64_t index) const { return index * piece_; }
  size_t length(uint64_t index) const {
    return static_cast<size_t>(std::min<uint64_t>(piece_, count_ - from(index)));
  }

 private:
  uint64_t count_;
  size_t piece_;
};

}  // namespace kaitian
