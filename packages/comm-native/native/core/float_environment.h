#pragma once

#if defined(__SSE2__)
#include <xmmintrin.h>
#else
#include <cfenv>
#endif

namespace kaitian {

// Round to nearest with denormals, whatever the thread was left in: libraries
// built with -ffast-math switch denormals off in every thread that loads them
// or is started by one that did.
#if defined(__SSE2__)

// The vector unit's register alone: fesetenv would cost as much as a small call.
class DefaultFloatEnvironment {
 public:
  DefaultFloatEnvironment() : saved_(_mm_getcsr()) {
    if ((saved_ & kControl) != kDefault) _mm_setcsr(kDefault);
  }
  ~DefaultFloatEnvironment() {
    if ((saved_ & kControl) != kDefault) _mm_setcsr(saved_);
  }
  DefaultFloatEnvironment(const DefaultFloatEnvironment&) = delete;
  DefaultFloatEnvironment& operator=(const DefaultFloatEnvironment&) = delete;

 private:
  // All but the sticky flags of exceptions.
  static constexpr unsigned kControl = 0xffc0;
  // All exceptions masked.
  static constexpr unsigned kDefault = 0x1f80;

  const unsigned saved_;
};

#else

class DefaultFloatEnvironment {
 public:
  DefaultFloatEnvironment() {
    std::fegetenv(&saved_);
    std::fesetenv(FE_DFL_ENV);
  }
  ~DefaultFloatEnvironment() { std::fesetenv(&saved_); }
  DefaultFloatEnvironment(const DefaultFloatEnvironment&) = delete;
  DefaultFloatEnvironment& operator=(const DefaultFloatEnvironment&) = delete;

 private:
  std::fenv_t saved_;
};

#endif

}  // namespace kaitian
