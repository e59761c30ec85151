// Makes the tarballs that npm would publish, with the native core for each supported ABI.
//
//   node scripts/pack.js [folder]     `tarballs/` unless told
import { join, resolve } from 'node:path'
import { packInto, root } from './packages.js'
import { prebuild } from './prebuild.js'

prebuild()
const folder = resolve(process.argv[2] ?? join(root, 'tarballs'))
for (const tarball of packInto(folder)) console.log(tarball)
