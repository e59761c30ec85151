export {
  readSafetensors,
  writeSafetensors,
  type Dtype,
  type Tensor,
  type TensorFile,
} from './safetensors.js'
export { loadWeights, saveWeights } from './weights.js'
