// Which headers of Node.js the addon is compiled against. They must be of the
// Node.js that will load it: V8's interface differs between majors, and an
// addon made with others compiles, then does not load.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/**
 * @param {{ version: string, modules: string, execPath: string, env: NodeJS.ProcessEnv }} node
 *   `modules` is its ABI, process.versions.modules
 * @returns {{ nodedir: string | undefined, passedOver: string[] }} `passedOver` says in words
 *   what was not used; without a nodedir node-gyp downloads the headers
 */
export function chooseHeaders({ version, modules, execPath, env }) {
  const given = env.npm_config_nodedir
  const candidates = given
    ? [{ folder: given, name: `the nodedir that npm was given, ${given},` }]
    : []
  candidates.push({ folder: dirname(dirname(execPath)), name: undefined })
  const passedOver = []
  for (const { folder, name } of candidates) {
    const found = headersIn(folder)
    if (found?.modules === modules) return { nodedir: folder, passedOver }
    if (found !== undefined) {
      const where = name ?? `the folder beside it, ${folder},`
      passedOver.push(`${where} has the headers of Node.js ${found.version}, this is ${version}`)
    } else if (name !== undefined) {
      passedOver.push(`${name} has no headers`)
    }
  }
  return { nodedir: undefined, passedOver }
}

/** The version of the headers in an installation, or in a checkout of Node.js' sources. */
function headersIn(folder) {
  const file = ['include/node', 'src']
    .map((inside) => join(folder, inside, 'node_version.h'))
    .find((path) => existsSync(path))
  if (file === undefined) return undefined
  const text = readFileSync(file, 'utf8')
  const number = (name) => new RegExp(`^#\\s*define ${name} (\\d+)`, 'm').exec(text)?.[1]
  const parts = ['MAJOR', 'MINOR', 'PATCH'].map((part) => number(`NODE_${part}_VERSION`))
  return { version: `v${parts.join('.')}`, modules: number('NODE_MODULE_VERSION') }
}

/**
 * The environment less what would make node-gyp build for another Node.js than
 * this: it prefers npm's settings in the environment to its own arguments.
 *
 * @param {NodeJS.ProcessEnv} env
 */
export function withoutOtherTargets(env) {
  const other = /^npm_(package_)?config_(node_gyp_)?(nodedir|target|target_arch|arch|runtime)$/i
  return Object.fromEntries(Object.entries(env).filter(([name]) => !other.test(name)))
}
