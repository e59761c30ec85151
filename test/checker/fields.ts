import { RecordError } from './failure.js'

/** A JSON object read field by field; every complaint says where. */
export class Fields {
  readonly #values: Readonly<Record<string, unknown>>
  readonly where: string

  constructor(value: unknown, where: string) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      throw new RecordError(`${where} is not an object`)
    }
    this.#values = value as Record<string, unknown>
    this.where = where
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#values, name)
  }

  raw(name: string): unknown {
    return this.#values[name]
  }

  text(name: string): string {
    const value = this.#values[name]
    return typeof value === 'string' ? value : this.#refuse(name, 'a string')
  }

  /** As digests are written in a record. */
  digest(name: string): string {
    const value = this.text(name)
    return /^[0-9a-f]{32}$/.test(value) ? value : this.#refuse(name, '32 hexadecimal digits')
  }

  oneOf<Word extends string>(name: string, words: readonly Word[]): Word {
    const found = words.find((word) => word === this.#values[name])
    return found ?? this.#refuse(name, `one of ${words.join(', ')}`)
  }

  number(name: string): number {
    const value = this.#values[name]
    return typeof value === 'number' ? value : this.#refuse(name, 'a number')
  }

  /** JSON has no NaN: a value that is not finite is written as null. */
  numberOrNull(name: string): number {
    return this.#values[name] === null ? Number.NaN : this.number(name)
  }

  /** A whole number ≥ `least`. */
  count(name: string, least = 0): number {
    const value = this.number(name)
    const fits = Number.isSafeInteger(value) && value >= least
    return fits ? value : this.#refuse(name, `a whole number ≥ ${least}`)
  }

  flag(name: string): boolean {
    const value = this.#values[name]
    return typeof value === 'boolean' ? value : this.#refuse(name, 'true or false')
  }

  numbers(name: string): readonly number[] {
    return this.list(name).map((value) =>
      typeof value === 'number' ? value : this.#refuse(name, 'a list of numbers'),
    )
  }

  texts(name: string): readonly string[] {
    return this.list(name).map((value) =>
      typeof value === 'string' ? value : this.#refuse(name, 'a list of strings'),
    )
  }

  list(name: string): readonly unknown[] {
    const value = this.#values[name]
    return Array.isArray(value) ? value : this.#refuse(name, 'a list')
  }

  objects(name: string): readonly Fields[] {
    return this.list(name).map((value, at) => new Fields(value, `${this.where}: ${name}[${at}]`))
  }

  object(name: string): Fields {
    return new Fields(this.#values[name], `${this.where}: ${name}`)
  }

  names(): readonly string[] {
    return Object.keys(this.#values)
  }

  #refuse(name: string, wanted: string): never {
    const value = JSON.stringify(this.#values[name]) ?? 'missing'
    throw new RecordError(`${this.where}: ${name} should be ${wanted}, is ${value}`)
  }
}
