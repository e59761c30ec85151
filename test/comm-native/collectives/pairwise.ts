/** Values by dimension. */
export type Dimensions = Readonly<Record<string, readonly (string | number | boolean)[]>>

export type Choice<D extends Dimensions> = { [K in keyof D]: D[K][number] }

/**
 * A small set of combinations in which every two values of two dimensions occur together, where
 * that is allowed at all. Greedy and deterministic: each time the first of those combinations that
 * bring most pairs that are still missing.
 */
export function pairwise<D extends Dimensions>(
  dimensions: D,
  allowed: (choice: Choice<D>) => boolean,
): Choice<D>[] {
  const open = product(dimensions).filter(allowed)
  const pairs = open.map(pairsOf)
  const missing = new Set(pairs.flat())
  const chosen: Choice<D>[] = []
  while (missing.size > 0) {
    let [best, most] = [-1, 0]
    for (const [index, own] of pairs.entries()) {
      const brings = own.reduce((count, pair) => count + Number(missing.has(pair)), 0)
      if (brings > most) [best, most] = [index, brings]
    }
    chosen.push(open[best])
    for (const pair of pairs[best]) missing.delete(pair)
  }
  return chosen
}

function product<D extends Dimensions>(dimensions: D): Choice<D>[] {
  let choices: Record<string, unknown>[] = [{}]
  for (const [name, values] of Object.entries(dimensions)) {
    choices = choices.flatMap((choice) => values.map((value) => ({ ...choice, [name]: value })))
  }
  return choices as Choice<D>[]
}

function pairsOf(choice: Readonly<Record<string, unknown>>): string[] {
  const entries = Object.entries(choice).map(([name, value]) => `${name}=${String(value)}`)
  return entries.flatMap((one, index) => entries.slice(index + 1).map((other) => `${one} ${other}`))
}
