#pragma once

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

// A test is a name, which carries the invariant's number, and a function.
struct Test {
  std::string name;
  std::function<void()> run;
};

inline std::vector<Test>& tests() {
  static std::vector<Test> all;
  return all;
}

struct Register {
  Register(std::string name, std::function<void()> run) {
    tests().push_back({std::move(name), std::move(run)});
  }
};

#define KAITIAN_JOIN_(a, b) a##b
#define KAITIAN_JOIN(a, b) KAITIAN_JOIN_(a, b)
#define TEST(name)                                                              \
  static void KAITIAN_JOIN(test, __LINE__)();                                   \
  static const Register KAITIAN_JOIN(registered, __LINE__)(name, KAITIAN_JOIN(test, __LINE__)); \
  static void KAITIAN_JOIN(test, __LINE__)()

// A run that only looks into everything, instead of going through all of it.
inline bool& isCut() {
  static bool cut = false;
  return cut;
}

// How many rounds, inputs, … a test takes.
inline size_t depth(size_t cut, size_t full) { return isCut() ? cut : full; }

// Of many combinations, all; in a cut every seventh, as no dimension of a test has a multiple of
// seven, so that everything comes up with much of everything else.
class Picker {
 public:
  bool operator()() { return next_++ % depth(7, 1) == 0; }

 private:
  size_t next_ = 0;
};

// For what should come, however slow and crowded the machine is: who runs the tests finds a hang.
constexpr std::chrono::minutes kLongEnough{30};

// Ends the process at once: ranks are threads, and none would join after a throw.
#define CHECK(condition)                                                               \
  do {                                                                                 \
    if (!(condition)) {                                                                \
      std::cerr << __FILE__ << ':' << __LINE__ << ": not so: " << #condition << std::endl; \
      std::_Exit(1);                                                                   \
    }                                                                                  \
  } while (false)
