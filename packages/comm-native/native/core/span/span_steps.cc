#include <cstring>

#include "../float_environment.h"
#include "../kernels/crc32c.h"
#include "../lane_numbers.h"
#include "combine_and_check.h"
#include "span.h"

namespace kaitian {

using wire::Flow;

// Everything about a step that follows from its number.
Span::Job Span::jobOf(Lane& lane, Operation& operation, uint64_t number, uint64_t index) const {
  Job job{lane, operation, number, index, {}, {}};
  operation.schedule->fill(operation.call(), operation.piece, index, job.step);
  job.role = roleOf(job.step, index, options_.groups, lane.ranks(), options_.group);
  return job;
}

bool Span::perform(Lane& lane, Operation& operation, uint64_t number, uint64_t index) {
  // First what others wait for.
  while (runTask()) continue;
  const Job job = jobOf(lane, operation, number, index);
  switch (job.role.kind) {
    case Role::Kind::Absent:
      return true;
    case Role::Kind::Local:
      performLocally(job);
      return true;
    case Role::Kind::Source:
      return sendData(job);
    case Role::Kind::Sink:
      return false;  // see accept
    case Role::Kind::Reduction:
    case Role::Kind::Exchange:
      return contribute(job);
  }
  return true;
}

void Span::accept(Lane& lane, Operation& operation, size_t group, wire::Received chunk) {
  if (chunk.key.step >= operation.steps()) return refuse(group, "a chunk of no step");
  if (!isNew(operation, group, chunk.key)) return refuse(group, "a chunk for the second time");
  const Job job = jobOf(lane, operation, chunk.key.sequence, chunk.key.step);
  const Role& role = job.role;
  if (chunk.payload.size() != payloadBytes(job, chunk.flow)) {
    return refuse(group, "a chunk of another length than its step");
  }
  if (chunk.flow == Flow::Result) {
    const bool isResult = role.kind == Role::Kind::Reduction && role.isOwner(group) &&
                          role.isSink(options_.group) && !role.isOwner(options_.group);
    const bool isData = role.kind == Role::Kind::Sink && role.sources[0] == group;
    if (!isResult && !isData) return refuse(group, "a result that is not its to send");
    writeSinks(job, chunk.payload);
    return lane.stepsDone(operation, job.number);
  }
  const bool combines = role.kind == Role::Kind::Reduction && role.isOwner(options_.group);
  if (chunk.flow != contributionFlow(lane) || (!combines && role.kind != Role::Kind::Exchange)) {
    return refuse(group, "a contribution that is not asked for");
  }
  join(job, group, {chunk.payload, std::move(chunk.slot)});
}

// Operations of a lane run one after the other, so that one at a time is kept.
bool Span::isNew(const Operation& operation, size_t group, const wire::ChunkKey& key) {
  const std::lock_guard lock(mutex_);
  Came& came = came_[key.lane];
  if (came.number != key.sequence || came.chunks.empty()) {
    came.number = key.sequence;
    came.chunks.assign(options_.groups.size() * operation.steps(), false);
  }
  const size_t at = group * operation.steps() + key.step;
  if (came.chunks[at]) return false;
  came.chunks[at] = true;
  return true;
}

void Span::performLocally(const Job& job) const {
  Step step = job.step;
  std::erase_if(step.sinks, [](const Step::Sink& sink) { return sink.data == nullptr; });
  if (step.sinks.empty()) return;
  kaitian::perform(step, job.operation.signature, options_.groups, options_.wire,
                   job.lane.ranks());
}

// Data that one rank has and others want.
bool Span::sendData(const Job& job) {
  const std::shared_ptr<StagingSlot> slot = take(*pools_[static_cast<size_t>(Flow::Result)]);
  if (slot == nullptr) return false;
  const std::span<std::byte> payload = slot->first(payloadBytes(job, Flow::Result));
  std::memcpy(payload.data(), job.step.sources[0].data, payload.size());
  const uint32_t checksum = crc32c(0, payload.data(), payload.size());
  for (const size_t group : job.role.sinks) {
    if (group != options_.group) send(job, group, Flow::Result, payload, checksum, slot);
  }
  performLocally(job);
  return true;
}

// This group's part of a reduction or an exchange.
bool Span::contribute(const Job& job) {
  const Flow flow = contributionFlow(job.lane);
  const std::shared_ptr<StagingSlot> slot = take(*pools_[static_cast<size_t>(flow)]);
  if (slot == nullptr) return false;
  const std::span<std::byte> payload = slot->first(payloadBytes(job, flow));
  std::vector<const std::byte*> parts;
  for (const Step::Source& source : job.step.sources) {
    if (source.data != nullptr) parts.push_back(source.data);
  }
  std::byte* const into[] = {payload.data()};
  const Reduction within = withinGroup(job.operation.signature, options_.wire);
  const uint32_t checksum = combineAndCheck(within, into, parts, job.step.count);
  const bool exchanges = job.role.kind == Role::Kind::Exchange;
  for (const size_t group : exchanges ? job.role.sources : job.role.owners) {
    if (group != options_.group) send(job, group, flow, payload, checksum, slot);
  }
  if (exchanges || job.role.isOwner(options_.group)) {
    join(job, options_.group, {payload, slot});
    return false;
  }
  return !job.role.isSink(options_.group);
}

// One more part; whoever brings the last one combines them.
void Span::join(const Job& job, size_t group, Part part) {
  Pending parts;
  {
    const std::lock_guard lock(mutex_);
    const auto pending = pending_.try_emplace(job.key()).first;
    const bool added = pending->second.byGroup.try_emplace(group, std::move(part)).second;
    if (added && pending->second.byGroup.size() < job.role.sources.size()) return;
    if (added) {
      parts = std::move(pending->second);
      pending_.erase(pending);
    }
  }
  if (parts.byGroup.empty()) return refuse(group, "a chunk for the second time");
  complete(job, std::move(parts));
}

void Span::complete(const Job& job, Pending parts) {
  if (job.role.kind == Role::Kind::Exchange) return exchangeParts(job, parts);
  const bool passesOn = job.role.sinks.size() > job.role.owners.size();
  if (!passesOn) return combineParts(job, parts);
  // It needs a slot, for which a link's thread must not wait: it frees them.
  {
    const std::lock_guard lock(mutex_);
    tasks_.push_back({&job.lane, &job.operation, job.key(), std::move(parts)});
  }
  host_.ringCrew();
  for (const auto& pool : pools_) pool->bell().ring();
}

bool Span::runTask() {
  std::optional<Task> task;
  {
    const std::lock_guard lock(mutex_);
    if (tasks_.empty() || host_.aborted()) return false;
    task = std::move(tasks_.front());
    tasks_.pop_front();
  }
  combineParts(jobOf(*task->lane, *task->operation, task->key.number, task->key.step),
               task->parts);
  return true;
}

void Span::combineParts(const Job& job, const Pending& pending) {
  const Signature& signature = job.operation.signature;
  std::vector<const std::byte*> parts;
  for (const auto& [group, part] : pending.byGroup) parts.push_back(part.bytes.data());
  std::vector<std::byte*> outputs;
  for (const Step::Sink& sink : job.step.sinks) {
    if (sink.data != nullptr) outputs.push_back(sink.data);
  }
  const Reduction across = acrossGroups(signature, options_.wire, job.step.sources.size());
  if (job.role.sinks.size() > job.role.owners.size()) {
    const auto slot = take(*pools_[static_cast<size_t>(Flow::Result)], false);
    if (slot == nullptr) return;
    const std::span<std::byte> payload = slot->first(payloadBytes(job, Flow::Result));
    outputs.push_back(payload.data());
    const uint32_t checksum = combineAndCheck(across, outputs, parts, job.step.count);
    for (const size_t group : job.role.sinks) {
      if (!job.role.isOwner(group)) send(job, group, Flow::Result, payload, checksum, slot);
    }
  } else {
    const DefaultFloatEnvironment environment;
    combine(across, outputs, parts, job.step.count);
  }
  job.lane.stepsDone(job.operation, job.number);
}

// What this group's rank sent is in its slot by now, so that the memory may be
// the same.
void Span::exchangeParts(const Job& job, const Pending& pending) {
  for (const auto& [group, part] : pending.byGroup) {
    if (group != options_.group) writeSinks(job, part.bytes);
  }
  job.lane.stepsDone(job.operation, job.number);
}

void Span::writeSinks(const Job& job, std::span<const std::byte> data) const {
  for (const Step::Sink& sink : job.step.sinks) {
    if (sink.data != nullptr) std::memcpy(sink.data, data.data(), data.size());
  }
}

// Null after an abort. `helps`: does tasks meanwhile, which may be what frees a slot.
std::shared_ptr<StagingSlot> Span::take(StagingPool& pool, bool helps) {
  for (;;) {
    const uint32_t seen = pool.bell().read();
    if (auto slot = pool.tryTake()) return slot;
    if (host_.aborted()) return nullptr;
    if (helps && runTask()) continue;
    pool.bell().wait(seen, Clock::time_point::max());
  }
}

void Span::send(const Job& job, size_t group, Flow flow, std::span<const std::byte> payload,
                uint32_t checksum, const Pin& pin) {
  const wire::ChunkKey key{options_.generation, job.lane.id(), job.number, job.index};
  options_.trunks[group]->link().send(key, flow, payload, checksum, pin);
}

Flow Span::contributionFlow(const Lane& lane) const {
  return lane.id() == kBucketLane ? Flow::Bucket : Flow::Contribution;
}

size_t Span::payloadBytes(const Job& job, Flow flow) const {
  const Signature& signature = job.operation.signature;
  const DType sent = withinGroup(signature, options_.wire).output;
  return job.step.count * widthOf(flow == Flow::Result ? signature.dtype : sent);
}

}  // namespace kaitian
