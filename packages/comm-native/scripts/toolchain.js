// What the native part is compiled with; shared by the build and the core's tests.
import { spawnSync } from 'node:child_process'

/** The first line that a command prints about its version; undefined when it does not run. */
function versionOf(command) {
  const [program, ...rest] = command.split(/\s+/)
  const { status, stdout, stderr } = spawnSync(program, [...rest, '--version'], {
    encoding: 'utf8',
  })
  return status === 0 ? (stdout || stderr).split('\n')[0].trim() : undefined
}

/** @returns {{ command: string, version: string } | undefined} */
export function findCompiler() {
  const candidates = process.env.CXX ? [process.env.CXX] : ['g++', 'clang++', 'c++']
  for (const command of candidates) {
    const version = versionOf(command)
    if (version !== undefined) return { command, version }
  }
  return undefined
}

/** Which of node-gyp's needs are not there, in words. */
export function missingTools() {
  const missing = []
  if (findCompiler() === undefined) missing.push('a C++ compiler')
  if (versionOf('make') === undefined) missing.push('make')
  const python = process.env.PYTHON ?? process.env.npm_config_python ?? 'python3'
  if (versionOf(python) === undefined) missing.push('python3')
  return missing
}
