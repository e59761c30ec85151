// What piscina loads: by `require`, for which Node.js links a graph of ES modules in one go, and ends
// the whole process when the thread is ended meanwhile. So this is CommonJS, which imports the rest.

type Main = Promise<{ default: (task: unknown) => Promise<unknown> }>

let main: Main | undefined

module.exports = async (task: unknown): Promise<unknown> => {
  const { workerData } = process.getBuiltinModule('node:worker_threads')
  main ??= import((workerData as { main: string }).main) as Main
  return (await main).default(task)
}
