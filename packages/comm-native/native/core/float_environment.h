#pragma once

#include <cfenv>

namespace kaitian {

// Round to nearest with denormals, whatever the thread was left in: libraries
// built with -ffast-math switch denormals off in every thread that loads them
// or is started by one that did.
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

}  // namespace kaitian
