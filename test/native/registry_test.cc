#include "check.h"
#include "core/device_context.h"
#include "core/registry.h"
#include "group.h"

using namespace kaitian;

TEST("threads find, abort and drop communicators while others come and go") {
  Registry& registry = Registry::process();
  std::atomic<uint64_t> latest{0};
  spawnRanks(4, [&](size_t thread) {
    for (int round = 0; round < 50; ++round) {
      if (thread == 0) {
        Group group(2, 8);
        const uint64_t id = registry.add(group.shared());
        latest = id;
        auto result = group.issue(group.signature());
        group->ready(0, group.signature());
        std::this_thread::yield();
        group->abort(Aborted{"the leader"});
        result.get();
        registry.remove(id);
        group->close();
      } else if (const auto communicator = registry.find(latest)) {
        if (thread == 1) communicator->ready(1, Signature{});
        communicator->abort(Aborted{"somebody"});
        CHECK(communicator->failure());
      }
    }
  });
  CHECK(registry.find(latest) == nullptr);
}

TEST("a context pins its regions until it is released, and names are taken once") {
  DeviceContext context;
  auto memory = std::make_shared<int>(0);
  const std::weak_ptr<int> watched = memory;
  CHECK(context.add("weights", {nullptr, 0, memory}));
  CHECK(!context.add("weights", {nullptr, 0, memory}));
  memory.reset();
  CHECK(!watched.expired());
  context.release();
  CHECK(watched.expired());
}
