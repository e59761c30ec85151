#include <cstdlib>
#include <cstring>
#include <set>

#include "../check.h"
#include "core/wire/frame_reader.h"
#include "core/wire/receiver.h"
#include "core/wire/wire_error.h"
#include "samples.h"

using namespace wire_test;

// Seeded, so that a failure repeats; KAITIAN_FUZZ=1000000 for more inputs.

namespace {

constexpr size_t kChunkBytes = 4096;
constexpr size_t kWindow = 4;

size_t inputs() {
  const char* const wanted = std::getenv("KAITIAN_FUZZ");
  return wanted ? std::strtoull(wanted, nullptr, 10) : depth(5'000, 50'000);
}

struct Stream {
  Bytes bytes;
  // Every frame with its payload, as it may come out again.
  std::set<Bytes> frames;
};

Stream realStream(Random& random) {
  Stream stream;
  uint64_t number = 0;
  for (size_t i = 1 + random() % 8; i > 0; --i) {
    Sample one = sample(random(), number + 1, random() % 3 ? 100 : kChunkBytes, random);
    if (isNumbered(one.header)) ++number;
    const Bytes bytes = encoded(one);
    stream.bytes.insert(stream.bytes.end(), bytes.begin(), bytes.end());
    stream.frames.insert(bytes);
  }
  return stream;
}

void mutate(Bytes& bytes, Random& random) {
  const size_t at = random() % bytes.size();
  const size_t length = std::min<size_t>(1 + random() % 40, bytes.size() - at);
  const auto from = bytes.begin() + static_cast<ptrdiff_t>(at);
  const auto to = from + static_cast<ptrdiff_t>(length);
  switch (random() % 6) {
    case 0:
      bytes[at] ^= static_cast<std::byte>(1u << random() % 8);
      break;
    case 1:
      for (size_t i = at; i < at + length; ++i) bytes[i] = static_cast<std::byte>(random());
      break;
    case 2:
      bytes.erase(from, to);
      break;
    case 3: {
      // A piece of the stream, perhaps a whole frame, once more somewhere else.
      const Bytes piece(from, bytes.begin() + static_cast<ptrdiff_t>(
                                                  at + 1 + random() % (bytes.size() - at)));
      const size_t place = random() % bytes.size();
      bytes.insert(bytes.begin() + static_cast<ptrdiff_t>(place), piece.begin(), piece.end());
      break;
    }
    case 4:
      bytes.resize(at);
      break;
    default:
      for (size_t i = at; i < at + length; ++i) {
        bytes[i] = static_cast<std::byte>(random() % 2 ? 0xff : 0);
      }
  }
}

// What a link does with a stream, without its sockets and threads.
void feed(const Stream& sent, std::span<const std::byte> stream, Random& random) {
  const auto slots = std::make_shared<Slots>(kChunkBytes, kWindow, [] {});
  Receiver receiver(slots);
  receiver.attach();
  std::vector<Pin> held;
  FrameReader reader(
      [&](const ChunkFrame& chunk, size_t bytes) { return receiver.place(chunk, bytes); });
  try {
    while (!stream.empty()) {
      const size_t piece = std::min<size_t>(1 + random() % 3000, stream.size());
      stream = stream.subspan(reader.copy(stream.first(piece)));
      while (const auto frame = reader.next()) {
        const auto* chunk = std::get_if<ChunkFrame>(&frame->header);
        // The payload of a chunk that repeats an earlier one is not kept.
        if (chunk && frame->payload.data() == nullptr) continue;
        CHECK(sent.frames.count(encoded(frame->header, frame->payload)) == 1);
        if (!chunk) continue;
        if (auto received = receiver.complete(*chunk, frame->payload)) {
          held.push_back(std::move(received->slot));
        }
        if (random() % 2) held.clear();
      }
    }
  } catch (const WireError&) {
  }
  receiver.abandon();
  CHECK(slots->peakBytes() <= kFlows * kWindow * kChunkBytes);
}

}  // namespace

TEST("B2 no damage to a stream of frames gets through") {
  Random random(4);
  for (size_t input = 0; input < inputs();) {
    const Stream sent = realStream(random);
    for (int times = 0; times < 8; ++times, ++input) {
      Bytes bytes = sent.bytes;
      for (size_t i = 1 + random() % 3; i > 0 && !bytes.empty(); --i) mutate(bytes, random);
      feed(sent, bytes, random);
    }
  }
}

// Checksums keep damage from the decoder; somebody who makes them fit does not.
TEST("a damaged header with the right checksum is refused or means what it says") {
  Random random(5);
  for (size_t input = 0; input < inputs();) {
    const Bytes real = encoded(sample(random(), 1 + anyInteger(random) / 2, 0, random).header);
    for (int times = 0; times < 8; ++times, ++input) {
      Bytes header(real.begin() + kPrefixBytes, real.end());
      for (size_t i = 1 + random() % 3; i > 0 && !header.empty(); --i) mutate(header, random);
      if (header.empty() || header.size() > kHeaderBytes) continue;
      Bytes bytes(real.begin(), real.begin() + kPrefixBytes);
      bytes.insert(bytes.end(), header.begin(), header.end());
      const auto length = static_cast<uint32_t>(header.size());
      std::memcpy(&bytes[4], &length, 4);
      const uint32_t checksum = crc32c(crc32c(0, bytes.data(), 12), header.data(), length);
      std::memcpy(&bytes[12], &checksum, 4);
      try {
        CHECK(encoded(decodeHeader(bytes)) == bytes);
      } catch (const WireError& error) {
        CHECK(error.reason == Loss::Reason::Malformed);
      }
    }
  }
}
