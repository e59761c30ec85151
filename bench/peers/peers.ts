import { availableParallelism } from 'node:os'
import type { Contestant, Skipped } from './contestant.js'
import { startPeer } from './peer.js'
import { compiled, runs, sourceOf } from './program.js'

const compiler = process.env.CXX ?? 'g++'
/** Debian's torch belongs to Debian's Python, which need not come first in the path. */
const python = process.env.PYTHON ?? '/usr/bin/python3'

/** torch.distributed's Gloo over loopback, a process per rank. */
export async function openGloo(ranks: number): Promise<Contestant | Skipped> {
  const name = 'Gloo'
  const look = 'import importlib.util, sys; sys.exit(importlib.util.find_spec("torch") is None)'
  if (!runs(python, '-c', look)) {
    return { name, reason: `${python} has no torch; apt-get install python3-torch` }
  }
  return startPeer({ name, ranks }, python, [sourceOf('gloo.py'), String(ranks)])
}

const openMpiWays = {
  'shared memory': ['--mca', 'btl', 'self,vader'],
  // Without the interface's name it does not use loopback.
  tcp: ['--mca', 'btl', 'self,tcp', '--mca', 'btl_tcp_if_include', 'lo'],
} as const

/** MPI_Allreduce, a process per rank. */
export async function openOpenMpi(
  ranks: number,
  way: keyof typeof openMpiWays,
): Promise<Contestant | Skipped> {
  const name = `Open MPI, ${way === 'tcp' ? 'TCP' : way}`
  if (!runs('mpicxx', '--version') || !runs('mpirun', '--version')) {
    return {
      name,
      reason: 'mpicxx or mpirun is missing; apt-get install openmpi-bin libopenmpi-dev',
    }
  }
  // The old C++ interface only warns; the calls are those of C.
  const program = compiled('openmpi', 'mpicxx', '-DOMPI_SKIP_MPICXX')
  // Its ranks spin. Two that wake on one core unbound stay there and wait for each other's time
  // slices (4 ms a call, whatever the size); with more ranks than cores Open MPI lets them yield.
  const binding = ranks <= availableParallelism() ? 'core' : 'none'
  const options = ['-np', String(ranks), '--oversubscribe', '--allow-run-as-root']
  // ob1 is the layer that sends by the ways above, rather than by one of its own.
  options.push('--bind-to', binding, '--mca', 'pml', 'ob1', ...openMpiWays[way])
  return startPeer({ name, ranks }, 'mpirun', [...options, program])
}

/** The bound for ranks in shared memory: one loop over all buffers, in threads of one process. */
export async function openKernel(ranks: number): Promise<Contestant | Skipped> {
  const name = 'C++ kernel'
  if (!runs(compiler, '--version')) return { name, reason: withoutCompiler }
  return startPeer({ name, ranks }, compiled('kernel', compiler), [String(ranks)])
}

const exchanges = {
  usual: { name: 'C++ exchange', flags: [] },
  unpaced: { name: 'C++ exchange, not paced', flags: ['--no-pacing'] },
  bare: { name: 'the same without the sums', flags: ['--no-pacing', '--no-add'] },
}

/** The bound for two groups with a socket between them. */
export async function openExchange(kind: keyof typeof exchanges): Promise<Contestant | Skipped> {
  const { name, flags } = exchanges[kind]
  if (!runs(compiler, '--version')) return { name, reason: withoutCompiler }
  return startPeer({ name, ranks: 2 }, compiled('exchange', compiler), flags)
}

const withoutCompiler = `${compiler} does not run; apt-get install g++`
