import { binary, toExpr, unsigned, type Expr, type Operand, type ValueType } from './assembler.js'
import { OP, SIMD } from './opcodes.js'

/**
 * Arithmetic on one f32 or on four side by side, under one set of names: a
 * kernel is written once and emitted for both, the narrow form for channel
 * counts that four does not divide.
 */
export interface Lanes {
  readonly type: ValueType
  /** Bytes that one load or store moves. */
  readonly bytes: number
  load(address: Operand, offset?: number): Expr
  /** One f32 from memory, in all lanes. */
  loadSplat(address: Operand, offset?: number): Expr
  store(address: Operand, value: Expr, offset?: number): number[]
  /** An f32 in all lanes. */
  splat(value: Expr): Expr
  constant(value: number): Expr
  add(a: Expr, b: Expr): Expr
  sub(a: Expr, b: Expr): Expr
  mul(a: Expr, b: Expr): Expr
  div(a: Expr, b: Expr): Expr
  min(a: Expr, b: Expr): Expr
  max(a: Expr, b: Expr): Expr
  eq(a: Expr, b: Expr): Expr
  gt(a: Expr, b: Expr): Expr
  le(a: Expr, b: Expr): Expr
  /** `yes` in the lanes where the comparison held. */
  select(yes: Expr, no: Expr, comparison: Expr): Expr
  /** Both comparisons hold. */
  both(a: Expr, b: Expr): Expr
}

/** log2 of the alignment that loads may assume: 4 bytes, all that tfjs promises. */
const ALIGNMENT = 2

export const scalar: Lanes = {
  type: 'f32',
  bytes: 4,
  load: (address, offset = 0) => load('f32', [OP.f32Load], address, offset),
  loadSplat: (address, offset = 0) => load('f32', [OP.f32Load], address, offset),
  store: (address, value, offset = 0) => store([OP.f32Store], address, value, offset),
  splat: (value) => value,
  constant: f32Constant,
  add: (a, b) => binary('f32', OP.f32Add, a, b),
  sub: (a, b) => binary('f32', OP.f32Sub, a, b),
  mul: (a, b) => binary('f32', OP.f32Mul, a, b),
  div: (a, b) => binary('f32', OP.f32Div, a, b),
  min: (a, b) => binary('f32', OP.f32Min, a, b),
  max: (a, b) => binary('f32', OP.f32Max, a, b),
  eq: (a, b) => binary('i32', OP.f32Eq, a, b),
  gt: (a, b) => binary('i32', OP.f32Gt, a, b),
  le: (a, b) => binary('i32', OP.f32Le, a, b),
  select: (yes, no, comparison) => ({
    type: 'f32',
    code: [...yes.code, ...no.code, ...comparison.code, OP.select],
  }),
  both: (a, b) => binary('i32', OP.i32Mul, a, b),
}

export const vector: Lanes = {
  type: 'v128',
  bytes: 16,
  load: (address, offset = 0) => load('v128', simd(SIMD.load), address, offset),
  loadSplat: (address, offset = 0) => load('v128', simd(SIMD.loadSplat), address, offset),
  store: (address, value, offset = 0) => store(simd(SIMD.store), address, value, offset),
  splat: (value) => ({ type: 'v128', code: [...value.code, ...simd(SIMD.splat)] }),
  constant: (value) => vector.splat(f32Constant(value)),
  add: (a, b) => binary('v128', simd(SIMD.add), a, b),
  sub: (a, b) => binary('v128', simd(SIMD.sub), a, b),
  mul: (a, b) => binary('v128', simd(SIMD.mul), a, b),
  div: (a, b) => binary('v128', simd(SIMD.div), a, b),
  min: (a, b) => binary('v128', simd(SIMD.min), a, b),
  max: (a, b) => binary('v128', simd(SIMD.max), a, b),
  eq: (a, b) => binary('v128', simd(SIMD.eq), a, b),
  gt: (a, b) => binary('v128', simd(SIMD.gt), a, b),
  le: (a, b) => binary('v128', simd(SIMD.le), a, b),
  select: (yes, no, comparison) => ({
    type: 'v128',
    code: [...yes.code, ...no.code, ...comparison.code, ...simd(SIMD.bitselect)],
  }),
  both: (a, b) => binary('v128', simd(SIMD.and), a, b),
}

function simd(opcode: number): number[] {
  return [0xfd, ...unsigned(opcode)]
}

function load(type: ValueType, op: readonly number[], address: Operand, offset: number): Expr {
  return { type, code: [...toExpr(address).code, ...op, ALIGNMENT, ...unsigned(offset)] }
}

function store(op: readonly number[], address: Operand, value: Expr, offset: number): number[] {
  return [...toExpr(address).code, ...value.code, ...op, ALIGNMENT, ...unsigned(offset)]
}

function f32Constant(value: number): Expr {
  const bytes = new Uint8Array(new Float32Array([value]).buffer)
  return { type: 'f32', code: [OP.f32Const, ...bytes] }
}

/** A whole number as f32. */
export function toF32(value: Operand): Expr {
  return { type: 'f32', code: [...toExpr(value).code, OP.f32FromI32] }
}
