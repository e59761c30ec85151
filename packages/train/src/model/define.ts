import { KaitianError } from '@kaitian/errors'
import { checkHead } from './check.js'
import type { Layout, Model, ModelDescription, TensorSlot } from './model.js'
import { sizeOf, traceLayers, walk, type TensorDeclaration } from './trace.js'

/**
 * Checks a description and works out where its tensors lie. Throws BAD_MODEL
 * with the layer's name and what to change.
 */
export function defineModel(description: ModelDescription): Model {
  checkHead(description)
  const traced = traceLayers(description)
  const layers = [...walk(traced)]
  checkOutput(traced[traced.length - 1].output, description.classes)
  return {
    description,
    layout: layOut(layers.flatMap((layer) => layer.tensors)),
    couplesSamples: layers.some(({ layer }) => layer.kind === 'batchNorm'),
    multiplyAdds: layers.reduce((sum, layer) => sum + layer.multiplyAdds, 0),
  }
}

function checkOutput(output: readonly number[], classes: number): void {
  if (output.length === 1 && output[0] === classes) return
  throw new KaitianError(
    'BAD_MODEL',
    `The model ends with shape [${output.join(', ')}] but has ${classes} classes; end it with ` +
      `dense({ units: ${classes} }).`,
    { fields: { output: [...output], classes } },
  )
}

function layOut(declarations: readonly TensorDeclaration[]): Layout {
  let end = 0
  const place = (declaration: TensorDeclaration): TensorSlot => {
    const slot = { ...declaration, offset: end, size: sizeOf(declaration.shape) }
    end += slot.size
    return slot
  }
  const weights = declarations.filter(({ role }) => role === 'weight').map(place)
  const weightSize = end
  const statistics = declarations.filter(({ role }) => role === 'statistic').map(place)
  return { tensors: [...weights, ...statistics], weightSize, stateSize: end }
}
