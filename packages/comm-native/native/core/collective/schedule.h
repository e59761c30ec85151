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

// Which elements a step is about.
struct Slice {
  // Whose piece it is part of, where ranks have pieces; 0 otherwise.
  size_t rank;
  uint64_t from;
  size_t length;
};

// For collectives of a whole: its elements in order.
uint64_t wholeSteps(const Call& call, size_t piece);
Slice wholeSlice(const Call& call, size_t piece, uint64_t index);

// For collectives in which each rank has a piece of `count` elements: rank 0's
// first, then rank 1's … `from` counts from the beginning of the piece.
uint64_t rankedSteps(const Call& call, size_t piece);
Slice rankedSlice(const Call& call, size_t piece, uint64_t index);

}  // namespace kaitian
