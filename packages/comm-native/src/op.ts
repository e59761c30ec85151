/** How a reduction combines elements, in the order of the native core's enumeration. */
export const OPS = ['sum', 'prod', 'min', 'max', 'avg'] as const

export type Op = (typeof OPS)[number]
