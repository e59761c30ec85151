// MPI_Allreduce in place, one process per rank; mpirun gives its input to rank 0.
#include <mpi.h>

#include <chrono>
#include <string>
#include <thread>

#include "request.h"

namespace {

using peers::Request;

// MPI's own waiting spins. Ranks that wait for the next request would take the
// time of whoever is measured meanwhile, so they look once in a millisecond.
void shareRequest(Request& request) {
  MPI_Request pending;
  MPI_Ibcast(&request, sizeof request, MPI_BYTE, 0, MPI_COMM_WORLD, &pending);
  for (int done = 0;;) {
    MPI_Test(&pending, &done, MPI_STATUS_IGNORE);
    if (done) return;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

// Rank 0 reads, all get it; no iterations at the end of the input.
Request nextRequest(int rank) {
  Request request{};
  if (rank == 0 && !peers::readRequest(request)) request = {};
  shareRequest(request);
  return request;
}

void announceOnce(int rank) {
  char version[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(version, &length);
  const std::string text(version, static_cast<size_t>(length));
  // "Open MPI v4.1.4, package: …": the rest is where it was built.
  if (rank == 0) peers::announce(text.substr(0, text.find(',')).c_str());
}

void serve(int rank, int ranks) {
  peers::Buffer owner;
  for (Request request = nextRequest(rank); request.iterations > 0; request = nextRequest(rank)) {
    float* buffer = owner.of(request.bytes);
    const size_t elements = request.elements();
    std::vector<double> times;
    for (uint64_t call = 0; call < request.iterations; ++call) {
      peers::fill(buffer, elements, static_cast<size_t>(rank), call);
      MPI_Barrier(MPI_COMM_WORLD);
      const double start = peers::nowUs();
      MPI_Allreduce(MPI_IN_PLACE, buffer, static_cast<int>(elements), MPI_FLOAT, MPI_SUM,
                    MPI_COMM_WORLD);
      times.push_back(peers::nowUs() - start);
    }
    int right =
        peers::isSum(buffer, elements, static_cast<size_t>(ranks), request.iterations - 1) ? 1 : 0;
    MPI_Allreduce(MPI_IN_PLACE, &right, 1, MPI_INT, MPI_MIN, MPI_COMM_WORLD);
    if (right == 0) peers::fail("wrong sum");
    if (rank == 0) peers::answer(times);
  }
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  int rank = 0;
  int ranks = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  announceOnce(rank);
  serve(rank, ranks);
  MPI_Finalize();
}
