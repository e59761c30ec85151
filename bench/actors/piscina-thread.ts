export { answerTo as default } from './message.js'
