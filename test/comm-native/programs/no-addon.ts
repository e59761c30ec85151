// A machine on which the addon was not built.
import { createSharedRegion } from '@kaitian/comm-native'

process.dlopen = () => {
  throw new Error('Cannot find module')
}
try {
  createSharedRegion(64)
} catch (error) {
  const { code, message } = error as { code: string; message: string }
  console.log(`${code}: ${message}`)
}
