#pragma once

#include <random>
#include <vector>

#include "core/kernels/crc32c.h"
#include "core/wire/frame.h"

// Frames of all kinds, as tests send them.
namespace wire_test {

using namespace kaitian;
using namespace kaitian::wire;

using Bytes = std::vector<std::byte>;
using Random = std::mt19937_64;

struct Sample {
  Header header;
  Bytes payload;
};

// Of all sizes: half of them have few bits.
inline uint64_t anyInteger(Random& random) { return random() >> random() % 64; }

inline uint32_t anyLane(Random& random) { return static_cast<uint32_t>(anyInteger(random)); }

inline Bytes randomBytes(size_t length, Random& random) {
  Bytes bytes(length);
  for (std::byte& byte : bytes) byte = static_cast<std::byte>(random());
  return bytes;
}

inline Signature anySignature(Random& random) {
  Signature signature;
  signature.sequence = anyInteger(random);
  signature.count = anyInteger(random);
  signature.offset = anyInteger(random);
  signature.generation = anyInteger(random);
  signature.root = static_cast<uint32_t>(anyInteger(random));
  signature.collective = static_cast<Collective>(random() % 10);
  signature.op = static_cast<Op>(random() % kOps);
  signature.dtype = static_cast<DType>(random() % kDTypes);
  return signature;
}

inline std::vector<int> anyRanks(Random& random) {
  std::vector<int> ranks(random() % 20);
  for (int& rank : ranks) rank = static_cast<int>(random() % 300) - 1;
  return ranks;
}

inline Failure anyFailure(size_t variant, Random& random) {
  switch (variant % 5) {
    case 0:
      return Aborted{std::string(random() % 300, 'x') + "ü"};
    case 1: {
      Mismatch failure{anyLane(random), anyInteger(random), anySignature(random), {}};
      for (size_t i = random() % 5; i-- > 0;) {
        failure.differing.push_back({static_cast<int>(i) - 1, anySignature(random)});
      }
      return failure;
    }
    case 2:
      return DeadlineExceeded{anyLane(random), anyInteger(random), anyRanks(random),
                              0.1 * (random() % 90000), static_cast<Phase>(random() % 4)};
    case 3:
      return PeersLeft{anyLane(random), anyInteger(random), anyRanks(random)};
    default:
      return GroupLost{static_cast<uint32_t>(random()),
                       static_cast<GroupLost::Reason>(random() % 4), "a header of 70000 bytes"};
  }
}

inline Sample chunkSample(uint64_t number, Flow flow, size_t bytes, Random& random) {
  Bytes payload = randomBytes(bytes, random);
  ChunkFrame frame{number,
                   {anyInteger(random), static_cast<uint32_t>(random() % 9), anyInteger(random),
                    anyInteger(random)},
                   flow,
                   crc32c(0, payload.data(), payload.size())};
  return {frame, std::move(payload)};
}

constexpr size_t kSampleKinds = 12;

inline Sample sample(size_t kind, uint64_t number, size_t largest, Random& random) {
  switch (kind % kSampleKinds) {
    case 0:
    case 1:
      return chunkSample(number, static_cast<Flow>(kind % 2), random() % (largest + 1), random);
    case 2:
      return {AnnounceFrame{number, {static_cast<uint32_t>(random()), anySignature(random)}}, {}};
    case 3:
      return {EmptyFrame{number, static_cast<Flow>(random() % 2)}, {}};
    case 4:
      return {AckFrame{anyInteger(random), {anyInteger(random), anyInteger(random), anyInteger(random)}},
              {}};
    case 5:
      return {PingFrame{}, {}};
    case 6:
      return {ByeFrame{}, {}};
    default:
      return {AbortFrame{number, {anyInteger(random), anyFailure(kind, random)}}, {}};
  }
}

inline bool isNumbered(const Header& header) {
  return !std::holds_alternative<AckFrame>(header) && !std::holds_alternative<PingFrame>(header) &&
         !std::holds_alternative<ByeFrame>(header);
}

inline Bytes encoded(const Header& header, std::span<const std::byte> payload = {}) {
  Bytes bytes;
  encode(bytes, header, payload.size());
  bytes.insert(bytes.end(), payload.begin(), payload.end());
  return bytes;
}

inline Bytes encoded(const Sample& sample) { return encoded(sample.header, sample.payload); }

}  // namespace wire_test
