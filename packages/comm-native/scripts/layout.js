// Where the addon lies: shared by what builds it and by src/native.ts, which loads it.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { familySync } from 'detect-libc'

/** The sources, and node-gyp's working folder in them. */
export function nativeFolder() {
  return fileURLToPath(new URL('../native', import.meta.url))
}

/** The addon as it was built on this machine. */
export function builtHere() {
  return join(nativeFolder(), 'build', addonName())
}

/** The addon as it came with the package. */
export function prebuilt() {
  return join(fileURLToPath(new URL('../prebuilds', import.meta.url)), addonName())
}

/** What is loaded, where it is there; the first before the second. */
export function addonFiles() {
  return [builtHere(), prebuilt()]
}

/** Where binaries of this kind run: `linux-x64-glibc`, `linux-arm64-musl`, `darwin-arm64`. */
export function platformName() {
  const libc = familySync()
  return [process.platform, process.arch, ...(libc === null ? [] : [libc])].join('-')
}

/**
 * It uses V8's own interface, so there is one for each ABI of Node.js; beside it lies a `.json`
 * that says what it was made of.
 */
function addonName() {
  return join(platformName(), `${process.versions.modules}.node`)
}
