#pragma once

#ifdef __linux__
#include <pthread.h>
#include <signal.h>
#endif

namespace kaitian {

// Signals belong to the host's threads, whose handlers may not expect this one.
inline void blockSignals() {
#ifdef __linux__
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
#endif
}

}  // namespace kaitian
