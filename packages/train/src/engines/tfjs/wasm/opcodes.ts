// Names and numbers from the WebAssembly core specification, sections 5.3 and 5.4.

export const TYPE_CODE = { i32: 0x7f, f32: 0x7d, v128: 0x7b } as const

export const EMPTY_BLOCK = 0x40

export const DEFINED = { function: 0x60, memory: 0x02, exportedFunction: 0x00 } as const

export const OP = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  else: 0x05,
  end: 0x0b,
  brIf: 0x0d,
  select: 0x1b,
  localGet: 0x20,
  localSet: 0x21,
  f32Load: 0x2a,
  f32Store: 0x38,
  i32Const: 0x41,
  f32Const: 0x43,
  i32Eq: 0x46,
  i32LtS: 0x48,
  i32LtU: 0x49,
  i32GtS: 0x4a,
  i32GeU: 0x4f,
  f32Eq: 0x5b,
  f32Gt: 0x5e,
  f32Le: 0x5f,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  i32Mul: 0x6c,
  i32And: 0x71,
  f32Add: 0x92,
  f32Sub: 0x93,
  f32Mul: 0x94,
  f32Div: 0x95,
  f32Min: 0x96,
  f32Max: 0x97,
  f32FromI32: 0xb2,
} as const

/** Behind the prefix byte 0xfd, in LEB128. */
export const SIMD = {
  load: 0x00,
  loadSplat: 0x09,
  store: 0x0b,
  splat: 0x13,
  eq: 0x41,
  gt: 0x44,
  le: 0x45,
  and: 0x4e,
  bitselect: 0x52,
  add: 0xe4,
  sub: 0xe5,
  mul: 0xe6,
  div: 0xe7,
  min: 0xe8,
  max: 0xe9,
} as const
