"""torch.distributed's Gloo over loopback: all_reduce in place, one process per rank.

    gloo.py <ranks>

Line by line: {"bytes": N, "iterations": k} comes in, {"us": [...]} goes out, what each of k calls
took; first goes {"version": "..."}. It ends with its input, so that it does not outlive the driver.

One time: every rank fills its whole buffer with new values, all meet at a barrier, and rank 0's
clock runs from the moment after the barrier until the call has returned on rank 0. Sums of
float32, in place. Nobody leaves a barrier at the same moment: where rank 0 is first, the time
includes the wait for the others; where it is last, they may have done their share before the clock
runs. With fewer cores than ranks this is most of what a small buffer takes.
"""

import json
import multiprocessing
import os
import sys
import tempfile
import time

import torch
import torch.distributed as dist

# Values tell their place within so many, as in request.h; sizes are multiples of it.
PERIOD = 256


class Rank:
    def __init__(self, rank, ranks, meeting_point):
        dist.init_process_group(
            "gloo", init_method=f"file://{meeting_point}", rank=rank, world_size=ranks
        )
        self.rank = rank
        self.ranks = ranks
        self.places = torch.arange(PERIOD, dtype=torch.float32)
        self.buffer = torch.empty(0)

    def run(self, request):
        elements = request["bytes"] // 4
        # Kept from request to request while the size stays, as a trainer keeps its buffers.
        if self.buffer.numel() != elements:
            self.buffer = torch.empty(elements, dtype=torch.float32)
        times = []
        for call in range(request["iterations"]):
            self.buffer.view(-1, PERIOD).copy_(self.places + (self.rank + call))
            dist.barrier()
            start = time.perf_counter()
            dist.all_reduce(self.buffer)
            times.append((time.perf_counter() - start) * 1e6)
        self.check(request["iterations"] - 1)
        return times

    def check(self, call):
        expected = self.ranks * (self.places + call) + self.ranks * (self.ranks - 1) / 2
        right = bool((self.buffer.view(-1, PERIOD) == expected).all())
        everywhere = torch.tensor([float(right)])
        dist.all_reduce(everywhere, dist.ReduceOp.MIN)
        if everywhere.item() != 1:
            sys.exit("wrong sum")


def start_followers(ranks, meeting_point):
    """One pipe to each: who waits for a request in a collective would time out."""
    # Forked, before anything has started threads: torch is loaded once.
    context = multiprocessing.get_context("fork")
    pipes = []
    for rank in range(1, ranks):
        theirs, ours = context.Pipe(duplex=False)
        follower = context.Process(
            target=follow, args=(rank, ranks, meeting_point, theirs, [*pipes, ours])
        )
        follower.daemon = True
        follower.start()
        theirs.close()
        pipes.append(ours)
    return pipes


def follow(rank, ranks, meeting_point, orders, inherited):
    # An inherited writing end would keep a pipe open after the first process has ended.
    for pipe in inherited:
        pipe.close()
    own = Rank(rank, ranks, meeting_point)
    dist.barrier()
    try:
        while True:
            own.run(orders.recv())
    except EOFError:
        # The first process has ended.
        pass


def main():
    ranks = int(sys.argv[1])
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        meeting_point = os.path.join(folder, "meeting-point")
        pipes = start_followers(ranks, meeting_point)
        first = Rank(0, ranks, meeting_point)
        # The others may still have to read there.
        dist.barrier()
    print(json.dumps({"version": f"torch {torch.__version__}"}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        for pipe in pipes:
            pipe.send(request)
        print(json.dumps({"us": first.run(request)}), flush=True)


if __name__ == "__main__":
    main()
