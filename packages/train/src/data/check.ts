import * as v from 'valibot'
import { checked, strict } from '../schema/checked.js'
import { above, listOf, text, whole } from '../schema/values.js'
import { elementsOf, type DataSet, type Samples } from './dataset.js'

/** Labels travel as bytes. */
const MOST_CLASSES = 256

const bytes = v.custom<Uint8Array>((value) => value instanceof Uint8Array, 'must be a Uint8Array')
const FINITE = 'must be a finite number'

const samplesEntries = {
  count: whole(0),
  shape: listOf(whole(1), 1),
  pixels: bytes,
  labels: bytes,
  mean: listOf(v.pipe(v.number(FINITE), v.finite(FINITE)), 1),
  deviation: listOf(above(0), 1),
} satisfies Record<keyof Samples, v.GenericSchema>

const samples = v.pipe(
  strict(samplesEntries),
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const { value } = dataset
    const channels = value.shape.at(-1) ?? 1
    const lengths = [
      ['pixels', value.count * elementsOf(value.shape), 'count × shape'],
      ['labels', value.count, 'count'],
      ['mean', channels, 'the channels'],
      ['deviation', channels, 'the channels'],
    ] as const
    for (const [key, length, what] of lengths) {
      if (value[key].length === length) continue
      const at = { type: 'object', origin: 'value', input: value, key, value: value[key] } as const
      const message = `must have ${length} elements, as ${what} says`
      addIssue({ message, input: value[key].length, path: [at] })
    }
  }),
)

const schema = strict({
  name: text,
  classes: whole(1, MOST_CLASSES),
  train: samples,
  test: samples,
} satisfies Record<keyof DataSet, v.GenericSchema>)

/** @throws KaitianError BAD_TASK: a task's `data` gave it */
export function checkDataSet(candidate: unknown, task: string): DataSet {
  checked(schema, candidate, {
    code: 'BAD_TASK',
    whole: 'it',
    sentence: (what) => `The data set of the task '${task}' is not usable: ${what}`,
  })
  return candidate as DataSet
}
