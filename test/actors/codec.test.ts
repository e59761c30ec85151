import { codecCases } from './codec-cases.js'

codecCases('as installed')
