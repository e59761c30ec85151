import { createHash } from 'node:crypto'
import { synthesiseImages, type DataSet, type Samples } from '@kaitian/train/data'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { SoftmaxRegression, type LinearSettings } from './softmax-regression.js'

const test = suite('data/synthetic')

function digest(samples: Samples): string {
  return createHash('sha256').update(samples.pixels).update(samples.labels).digest('hex')
}

/**
 * A cut of what a fair linear baseline would search through. The longer search
 * (raw pixels, 20 epochs, decay 0.003) ends at 0.24.
 */
const SEARCH: readonly LinearSettings[] = [
  { pool: 2, decay: 0.003, epochs: 12 },
  { pool: 2, decay: 0.1, epochs: 12 },
  { pool: 1, decay: 0.03, epochs: 3 },
]

/** The best test accuracy over the search, which even favours the linear classifier. */
function linearAccuracy(data: DataSet, search: readonly LinearSettings[]): number {
  const accuracies = search.map((settings) => {
    const classifier = new SoftmaxRegression(data.classes, settings)
    classifier.fit(data.train)
    return classifier.accuracy(data.test)
  })
  return Math.max(...accuracies)
}

test('the pixels are the same on every machine', () => {
  const data = synthesiseImages({ seed: 1, train: 200, test: 50 })
  assert.is(digest(data.train), 'eb8408c4e6d4d7809edc10858814fd6a21dea891d32155241d670372d9700910')
  assert.is(digest(data.test), '6bec6fb7828b08445894307de7999327306f58ef7a32ee28779230e51ce73a58')
})

test('a sample does not depend on how many others are made', () => {
  const few = synthesiseImages({ seed: 4, train: 7, test: 3 })
  const many = synthesiseImages({ seed: 4, train: 40, test: 20 })
  assert.equal(few.train.pixels, many.train.pixels.slice(0, few.train.pixels.length))
  assert.equal(few.test.pixels, many.test.pixels.slice(0, few.test.pixels.length))
})

test('seeds and halves differ, and classes take turns', () => {
  const data = synthesiseImages({ seed: 1, train: 30, test: 30 })
  const other = synthesiseImages({ seed: 2, train: 30, test: 30 })
  const digests = [data.train, data.test, other.train, other.test].map(digest)
  assert.is(new Set(digests).size, 4)
  assert.is(data.classes, 10)
  for (let label = 0; label < 10; label++) {
    assert.is(data.train.labels.filter((each) => each === label).length, 3)
  }
})

test('no linear classifier learns it: below 70 % of the test set', () => {
  const data = synthesiseImages({ seed: 1, train: 4000, test: 1000 })
  const accuracy = linearAccuracy(data, SEARCH)
  assert.ok(accuracy < 0.7, `linear test accuracy ${accuracy}`)
})

test('that linear classifier does learn what is linear', () => {
  const data = synthesiseImages({ seed: 1, train: 1000, test: 300 })
  for (const samples of [data.train, data.test]) plant(samples)
  const accuracy = linearAccuracy(data, [{ pool: 2, decay: 0.03, epochs: 15 }])
  assert.ok(accuracy > 0.9, `linear test accuracy ${accuracy}`)
})

/** Whitens a band of rows that tells the class. */
function plant({ count, labels, pixels, shape }: Samples): void {
  const [height, width, channels] = shape
  const row = width * channels
  for (let i = 0; i < count; i++) {
    const top = i * height * row + labels[i] * 3 * row
    pixels.fill(255, top, top + 3 * row)
  }
}

test.run()
