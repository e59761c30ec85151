#include "schedule.h"

#include <algorithm>

namespace kaitian {

const Schedule& scheduleOf(Collective collective) {
  switch (collective) {
    case Collective::Allreduce:
      return kAllreduce;
    case Collective::Reduce:
      return kReduce;
    case Collective::Broadcast:
      return kBroadcast;
    case Collective::Allgather:
      return kAllgather;
    case Collective::ReduceScatter:
      return kReduceScatter;
    case Collective::AllToAll:
      return kAllToAll;
    case Collective::Gather:
      return kGather;
    case Collective::Scatter:
      return kScatter;
    case Collective::Barrier:
      return kBarrier;
    case Collective::SendRecv:
      return kSendRecv;
  }
  return kBarrier;
}

uint64_t wholeSteps(const Call& call, size_t piece) {
  return (call.signature.count + piece - 1) / piece;
}

Slice wholeSlice(const Call& call, size_t piece, uint64_t index) {
  const uint64_t from = index * piece;
  return {0, from, static_cast<size_t>(std::min<uint64_t>(piece, call.signature.count - from))};
}

uint64_t rankedSteps(const Call& call, size_t piece) {
  return call.ranks.size() * wholeSteps(call, piece);
}

Slice rankedSlice(const Call& call, size_t piece, uint64_t index) {
  const uint64_t each = wholeSteps(call, piece);
  Slice slice = wholeSlice(call, piece, index % each);
  slice.rank = static_cast<size_t>(index / each);
  return slice;
}

}  // namespace kaitian
