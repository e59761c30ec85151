#include <cstring>

#include "check.h"

// core-tests [--cut] [part of a name …]
int main(int count, char** words) {
  std::vector<std::string> filters;
  for (int i = 1; i < count; ++i) {
    if (std::strcmp(words[i], "--cut") == 0) {
      isCut() = true;
    } else if (words[i][0] == '-') {
      std::cerr << "unknown option " << words[i] << std::endl;
      return 2;
    } else {
      filters.push_back(words[i]);
    }
  }
  size_t passed = 0;
  for (const Test& test : tests()) {
    const auto isIn = [&](const std::string& part) {
      return test.name.find(part) != std::string::npos;
    };
    if (!filters.empty() && std::ranges::none_of(filters, isIn)) continue;
    std::cout << test.name << std::endl;
    test.run();
    ++passed;
  }
  std::cout << "passed " << passed << std::endl;
}
