#pragma once

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

namespace kaitian {

// How the ranks of a communicator are divided into groups: consecutive runs,
// in group order. A reduction combines each group's ranks first and then the
// groups' partial results, so that its bits do not depend on what carries them.
class Groups {
 public:
  explicit Groups(std::vector<size_t> sizes) : sizes_(std::move(sizes)) {
    for (size_t group = 0; group < sizes_.size(); ++group) {
      first_.push_back(of_.size());
      of_.insert(of_.end(), sizes_[group], group);
    }
  }

  size_t size() const { return sizes_.size(); }
  size_t ranks() const { return of_.size(); }
  size_t of(size_t rank) const { return of_[rank]; }
  size_t first(size_t group) const { return first_[group]; }
  size_t sizeOf(size_t group) const { return sizes_[group]; }

 private:
  std::vector<size_t> sizes_;
  std::vector<size_t> first_;
  std::vector<size_t> of_;
};

// The groups that occur, in order. (std::unique, as Clang 14 cannot compile
// that of ranges with GCC 12's library.)
inline std::vector<size_t> distinct(std::vector<size_t> groups) {
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return groups;
}

}  // namespace kaitian
