export { checked, nearest, strict, type Path, type Refusal } from './checked.js'
export { between, byName, flag, listOf, oneOf, text, whole } from './values.js'
