export { openTfjsEngine, TfjsEngine } from './engine.js'
