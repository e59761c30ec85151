/** Runs `body` with `KAITIAN_SEED` set so, or unset; it is as before afterwards. */
export async function withSeedVariable<T>(
  value: string | undefined,
  body: () => Promise<T>,
): Promise<T> {
  const { env } = process
  const before = env.KAITIAN_SEED
  set(value)
  try {
    return await body()
  } finally {
    set(before)
  }
}

function set(value: string | undefined): void {
  if (value === undefined) delete process.env.KAITIAN_SEED
  else process.env.KAITIAN_SEED = value
}
