import { parentPort, type MessagePort } from 'node:worker_threads'
import { expose } from 'comlink'
import { comlinkEndpoint } from './comlink-endpoint.js'
import { answerTo } from './message.js'

const api = { next: answerTo }
export type ComlinkApi = typeof api

expose(api, comlinkEndpoint(parentPort as MessagePort))
