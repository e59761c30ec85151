#pragma once

#include <future>
#include <optional>

#include "group.h"

namespace cases {

using namespace kaitian;

// Integers, so that every order of adding gives the same bits.
inline float valueOf(size_t rank, size_t index) {
  return static_cast<float>((rank + 1) * 100 + index % 97);
}

struct Case {
  Collective collective;
  // Elements of `send` and `recv`, in counts.
  size_t (*sendSize)(size_t ranks);
  size_t (*recvSize)(size_t ranks);
  // What rank `rank` must hold at `index`; of a root of 1 where there is one.
  float (*expected)(size_t ranks, size_t count, size_t rank, size_t index);
};

inline size_t one(size_t) { return 1; }
inline size_t all(size_t ranks) { return ranks; }

inline float sumAt(size_t ranks, size_t index) {
  float sum = 0;
  for (size_t rank = 0; rank < ranks; ++rank) sum += valueOf(rank, index);
  return sum;
}

inline const Case kCases[] = {
    {Collective::Allreduce, one, one,
     [](size_t ranks, size_t, size_t, size_t index) { return sumAt(ranks, index); }},
    {Collective::Reduce, one, one,
     [](size_t ranks, size_t, size_t rank, size_t index) {
       return rank == 1 ? sumAt(ranks, index) : -1.0f;
     }},
    {Collective::Broadcast, one, one,
     [](size_t, size_t, size_t rank, size_t index) {
       return rank == 1 ? -1.0f : valueOf(1, index);
     }},
    {Collective::Allgather, one, all,
     [](size_t, size_t count, size_t, size_t index) {
       return valueOf(index / count, index % count);
     }},
    {Collective::ReduceScatter, all, one,
     [](size_t ranks, size_t count, size_t rank, size_t index) {
       return sumAt(ranks, rank * count + index);
     }},
    {Collective::AllToAll, all, all,
     [](size_t, size_t count, size_t rank, size_t index) {
       return valueOf(index / count, rank * count + index % count);
     }},
    {Collective::Gather, one, all,
     [](size_t, size_t count, size_t rank, size_t index) {
       return rank == 1 ? valueOf(index / count, index % count) : -1.0f;
     }},
    {Collective::Scatter, all, one,
     [](size_t, size_t count, size_t rank, size_t index) {
       return valueOf(1, rank * count + index);
     }},
};

inline Arrival arrivalOf(const Case& one, size_t count, const float* send, float* recv) {
  Arrival arrival;
  arrival.signature.collective = one.collective;
  arrival.signature.count = count;
  arrival.signature.root = 1;
  arrival.signature.generation = 7;
  arrival.buffers = {reinterpret_cast<const std::byte*>(send), reinterpret_cast<std::byte*>(recv)};
  return arrival;
}

// Calls it in this thread, and waits where it becomes asynchronous.
inline std::optional<Failure> callAndWait(Communicator& communicator, size_t rank, Arrival arrival,
                                   bool later) {
  std::promise<std::optional<Failure>> promise;
  const Completion done = [&](const Failure* failure) {
    promise.set_value(failure ? std::optional(*failure) : std::nullopt);
  };
  Outcome outcome;
  if (later) {
    arrival.done = done;
    outcome = communicator.callLater(rank, std::move(arrival));
  } else {
    outcome = communicator.call(rank, std::move(arrival), [&] { return done; });
  }
  if (outcome == Outcome::Failed) return communicator.failure();
  return outcome == Outcome::Pending ? promise.get_future().get() : std::nullopt;
}

}  // namespace cases
