#include "schedule.h"

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

}  // namespace kaitian
