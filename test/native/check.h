#pragma once

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

// Ends the process at once: ranks are threads, and none would join after a throw.
#define CHECK(condition)                                                               \
  do {                                                                                 \
    if (!(condition)) {                                                                \
      std::cerr << __FILE__ << ':' << __LINE__ << ": not so: " << #condition << std::endl; \
      std::_Exit(1);                                                                   \
    }                                                                                  \
  } while (false)
