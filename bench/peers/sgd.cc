// A plain loop of SGD with momentum and weight decay over n parameters, and nothing else: no digest,
// no look at whether anything is finite. For each line that comes it runs once, and answers with the
// milliseconds that it took.
//
//   sgd <n>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

int main(int, char** words) {
  const auto size = static_cast<size_t>(std::atoll(words[1]));
  std::vector<float> w(size), v(size), sum(size), nextW(size), nextV(size);
  for (size_t i = 0; i < size; ++i) w[i] = v[i] = sum[i] = std::sin(static_cast<float>(i));
  for (std::string line; std::getline(std::cin, line);) {
    const auto start = std::chrono::steady_clock::now();
    for (size_t i = 0; i < size; ++i) {
      const float gradient = sum[i] / 64 + 5e-4f * w[i];
      const float velocity = 0.9f * v[i] + gradient;
      nextV[i] = velocity;
      nextW[i] = w[i] - 0.1f * velocity;
    }
    const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - start;
    std::cout << took.count() << std::endl;
    std::swap(w, nextW);
    std::swap(v, nextV);
  }
}
