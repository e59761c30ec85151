#pragma once

#include <pthread.h>

#include "check.h"

// While it lives the system gives no threads: a stack of more than the address
// space has room for is refused as a thread too many is.
class NoThreads {
 public:
  NoThreads() {
    CHECK(pthread_getattr_default_np(&before_) == 0);
    pthread_attr_t huge;
    CHECK(pthread_attr_init(&huge) == 0);
    CHECK(pthread_attr_setstacksize(&huge, size_t{1} << 47) == 0);
    CHECK(pthread_setattr_default_np(&huge) == 0);
    CHECK(pthread_attr_destroy(&huge) == 0);
  }
  ~NoThreads() {
    CHECK(pthread_setattr_default_np(&before_) == 0);
    CHECK(pthread_attr_destroy(&before_) == 0);
  }
  NoThreads(const NoThreads&) = delete;
  NoThreads& operator=(const NoThreads&) = delete;

 private:
  pthread_attr_t before_;
};
