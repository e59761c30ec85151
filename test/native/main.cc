#include "check.h"

int main() {
  for (const Test& test : tests()) {
    std::cout << test.name << std::endl;
    test.run();
  }
  std::cout << "passed " << tests().size() << std::endl;
}
