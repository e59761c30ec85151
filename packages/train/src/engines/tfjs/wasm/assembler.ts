import { DEFINED, EMPTY_BLOCK, OP, TYPE_CODE } from './opcodes.js'

/**
 * A small assembler for WebAssembly 1.0 with 128-bit SIMD (W3C "WebAssembly
 * Core Specification", section 5, binary format). Kernels are written as
 * TypeScript functions that emit code, so the module is built from this
 * repository's text at start (about 2 ms) and needs no second toolchain.
 */
export type ValueType = 'i32' | 'f32' | 'v128'

/** Code that leaves one value on the stack. */
export interface Expr {
  readonly type: ValueType
  readonly code: readonly number[]
}

/** An expression, or a number that stands for an i32 constant. */
export type Operand = Expr | number

/** A variable of the function; reading it is an expression. */
export interface Local extends Expr {
  readonly index: number
}

export interface FunctionCode {
  readonly name: string
  readonly parameters: readonly ValueType[]
  readonly locals: readonly ValueType[]
  readonly code: readonly number[]
}

/** Emits the body of one function. */
export class Emitter {
  readonly locals: ValueType[] = []
  readonly code: number[] = []
  private readonly parameterCount: number

  constructor(parameterCount: number) {
    this.parameterCount = parameterCount
  }

  /** A new variable that starts with `value`. */
  let(value: Operand): Local {
    const local = this.declare(toExpr(value).type)
    this.set(local, value)
    return local
  }

  set(local: Local, value: Operand): void {
    this.code.push(...toExpr(value).code, OP.localSet, ...unsigned(local.index))
  }

  /** Code without a result, such as a store. */
  run(statement: readonly number[]): void {
    this.code.push(...statement)
  }

  /** for (counter = from; counter < to; counter += step), compared without sign, as addresses are. */
  range(from: Operand, to: Operand, step: Operand, body: (counter: Local) => void): void {
    const counter = this.let(from)
    const end = typeof to === 'number' || isLocal(to) ? to : this.let(to)
    this.code.push(OP.block, EMPTY_BLOCK)
    this.code.push(...i32.atLeast(counter, end).code, OP.brIf, 0)
    this.code.push(OP.loop, EMPTY_BLOCK)
    body(counter)
    this.set(counter, i32.add(counter, step))
    this.code.push(...i32.below(counter, end).code, OP.brIf, 0, OP.end, OP.end)
  }

  when(condition: Expr, body: () => void, otherwise?: () => void): void {
    this.code.push(...condition.code, OP.if, EMPTY_BLOCK)
    body()
    if (otherwise !== undefined) {
      this.code.push(OP.else)
      otherwise()
    }
    this.code.push(OP.end)
  }

  private declare(type: ValueType): Local {
    const index = this.parameterCount + this.locals.length
    this.locals.push(type)
    return localAt(index, type)
  }
}

/** Address and size arithmetic. */
export const i32 = {
  add: (a: Operand, b: Operand) => binary('i32', OP.i32Add, a, b),
  sub: (a: Operand, b: Operand) => binary('i32', OP.i32Sub, a, b),
  mul: (a: Operand, b: Operand) => binary('i32', OP.i32Mul, a, b),
  and: (a: Operand, b: Operand) => binary('i32', OP.i32And, a, b),
  equal: (a: Operand, b: Operand) => binary('i32', OP.i32Eq, a, b),
  /** Unsigned a < b: also false for a negative a. */
  below: (a: Operand, b: Operand) => binary('i32', OP.i32LtU, a, b),
  atLeast: (a: Operand, b: Operand) => binary('i32', OP.i32GeU, a, b),
  max: (a: Operand, b: Operand) => choose(a, b, binary('i32', OP.i32GtS, a, b)),
  min: (a: Operand, b: Operand) => choose(a, b, binary('i32', OP.i32LtS, a, b)),
}

/** `yes` where the condition is not 0; evaluates both. */
function choose(yes: Operand, no: Operand, condition: Expr): Expr {
  const [first, second] = [toExpr(yes), toExpr(no)]
  return {
    type: first.type,
    code: [...first.code, ...second.code, ...condition.code, OP.select],
  }
}

export function binary(
  type: ValueType,
  op: number | readonly number[],
  a: Operand,
  b: Operand,
): Expr {
  const opcode = typeof op === 'number' ? [op] : op
  return { type, code: [...toExpr(a).code, ...toExpr(b).code, ...opcode] }
}

export function toExpr(operand: Operand): Expr {
  if (typeof operand !== 'number') return operand
  return { type: 'i32', code: [OP.i32Const, ...signed(operand)] }
}

function isLocal(operand: Expr): operand is Local {
  return 'index' in operand
}

function localAt(index: number, type: ValueType): Local {
  return { index, type, code: [OP.localGet, ...unsigned(index)] }
}

/** Defines a function of i32 (and, where named so, f32) parameters without a result. */
export function define(
  name: string,
  parameters: readonly ValueType[],
  body: (f: Emitter, ...parameters: Local[]) => void,
): FunctionCode {
  const emitter = new Emitter(parameters.length)
  body(emitter, ...parameters.map((type, index) => localAt(index, type)))
  return { name, parameters, locals: emitter.locals, code: emitter.code }
}

/** The module's bytes: it imports `env.memory` and exports each function by name. */
export function assemble(functions: readonly FunctionCode[]): Uint8Array<ArrayBuffer> {
  const types = functions.map(({ parameters }) => [
    DEFINED.function,
    ...vector(parameters.map((type) => [TYPE_CODE[type]])),
    0,
  ])
  const importMemory = [...text('env'), ...text('memory'), DEFINED.memory, 0, 0]
  const exported = functions.map(({ name }, index) => [
    ...text(name),
    DEFINED.exportedFunction,
    ...unsigned(index),
  ])
  const sections = [
    section(1, vector(types)),
    section(2, vector([importMemory])),
    section(3, vector(functions.map((_, index) => unsigned(index)))),
    section(7, vector(exported)),
    section(10, vector(functions.map(functionBody))),
  ]
  return Uint8Array.from([0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0].concat(...sections))
}

// `concat`, since spreading thousands of bytes one by one is ten times slower

function functionBody({ locals, code }: FunctionCode): number[] {
  const declarations = vector(locals.map((type) => [1, TYPE_CODE[type]]))
  const body = declarations.concat(code, OP.end)
  return unsigned(body.length).concat(body)
}

function section(id: number, content: readonly number[]): number[] {
  return [id].concat(unsigned(content.length), content)
}

function vector(items: readonly (readonly number[])[]): number[] {
  return unsigned(items.length).concat(...items)
}

function text(value: string): number[] {
  const bytes = new TextEncoder().encode(value)
  return [...unsigned(bytes.length), ...bytes]
}

/** LEB128 without sign. */
export function unsigned(value: number): number[] {
  const bytes: number[] = []
  do {
    const low = value & 0x7f
    value >>>= 7
    bytes.push(value === 0 ? low : low | 0x80)
  } while (value !== 0)
  return bytes
}

/** LEB128 with sign. */
function signed(value: number): number[] {
  const bytes: number[] = []
  for (;;) {
    const low = value & 0x7f
    value >>= 7
    const done = (value === 0 && (low & 0x40) === 0) || (value === -1 && (low & 0x40) !== 0)
    bytes.push(done ? low : low | 0x80)
    if (done) return bytes
  }
}
