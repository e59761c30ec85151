/** Where and how a pattern lies in one image. */
export interface Placement {
  readonly centreX: number
  readonly centreY: number
  /** Pixels of one repetition. */
  readonly period: number
  /** Shift of the repetition, in 1024ths of a period. */
  readonly phaseX: number
  readonly phaseY: number
  /** −1, 0 or 1: how the pattern leans. */
  readonly tilt: number
  /** Diagonals climb to the right, rather than fall. */
  readonly rising: boolean
}

/** How much of the foreground shows at a pixel, 0 … 256. */
type Cover = (x: number, y: number) => number

/** A family of images; integers throughout, for the reason given at `synthesiseImages`. */
export type Pattern = (placement: Placement) => Cover

/** The pattern of class k is the k-th. */
export const PATTERNS: readonly Pattern[] = [
  horizontalStripes,
  verticalStripes,
  diagonalStripes,
  checkers,
  rings,
  dots,
  mesh,
  zigzag,
  disc,
  frame,
]

/** A full turn; phases and waves are counted in these units. */
const TURN = 1024

/** Triangle wave of a phase, 0 … 512, periodic in TURN. */
function wave(phase: number): number {
  return Math.abs((phase & (TURN - 1)) - TURN / 2)
}

/** Soft edge, 0 … 256: `value` at 0 is half covered, ±`softness` is all or nothing. */
function edge(value: number, softness: number): number {
  const covered = (128 + (value * 128) / softness) | 0
  return covered < 0 ? 0 : covered > 256 ? 256 : covered
}

/** Stripes of equal width along a wave. */
function stripe(phase: number): number {
  return edge(wave(phase) - TURN / 4, 160)
}

function pace(period: number): number {
  return (TURN / period) | 0
}

function horizontalStripes({ period, phaseY, tilt }: Placement): Cover {
  const step = pace(period)
  const lean = (tilt * step) >> 3
  return (x, y) => stripe(y * step + x * lean + phaseY)
}

function verticalStripes({ period, phaseX, tilt }: Placement): Cover {
  const step = pace(period)
  const lean = (tilt * step) >> 3
  return (x, y) => stripe(x * step + y * lean + phaseX)
}

/** The period is measured across the stripes: 181/256 is 1/√2. */
function diagonalStripes({ period, phaseX, tilt, rising }: Placement): Cover {
  const step = (pace(period) * 181) >> 8
  const stepX = step + ((tilt * step) >> 4)
  const stepY = rising ? step : -step
  return (x, y) => stripe(x * stepX + y * stepY + phaseX)
}

function checkers({ period, phaseX, phaseY }: Placement): Cover {
  const step = pace(period + 8)
  return (x, y) => {
    const across = wave(x * step + phaseX) - TURN / 4
    const down = wave(y * step + phaseY) - TURN / 4
    return edge((across * down) >> 8, 128)
  }
}

function rings({ centreX, centreY, period, phaseX }: Placement): Cover {
  const step = pace(period)
  return (x, y) => {
    const radius = Math.sqrt((x - centreX) ** 2 + (y - centreY) ** 2)
    return stripe(((radius * step) | 0) + phaseX)
  }
}

/** Round spots on a square lattice that stands on its corner, so that the gaps make no mesh. */
function dots({ period, phaseX, phaseY }: Placement): Cover {
  const step = (pace(period) * 181) >> 8
  return (x, y) => edge(wave((x + y) * step + phaseX) + wave((x - y) * step + phaseY) - 640, 160)
}

/** Thin lines both ways. */
function mesh({ period, phaseX, phaseY }: Placement): Cover {
  const step = pace(period + 1)
  return (x, y) => edge(Math.max(wave(x * step + phaseX), wave(y * step + phaseY)) - 390, 120)
}

/** Stripes that rise and fall by turns. */
function zigzag({ period, phaseX, phaseY }: Placement): Cover {
  const step = pace(period)
  const turnStep = pace(period + 3)
  return (x, y) => stripe(y * step + 2 * wave(x * turnStep + phaseX) + phaseY)
}

/** One filled circle. */
function disc({ centreX, centreY, period }: Placement): Cover {
  const size = period + 3
  return (x, y) => {
    const radius = Math.sqrt((x - centreX) ** 2 + (y - centreY) ** 2)
    return edge(((size - radius) * 256) | 0, 256)
  }
}

/** The outline of one square. */
function frame({ centreX, centreY, period }: Placement): Cover {
  const size = period + 2
  return (x, y) => {
    const reach = Math.max(Math.abs(x - centreX), Math.abs(y - centreY))
    return edge(384 - Math.abs(size - reach) * 256, 256)
  }
}
