// A zlib stream of known length, inflated at once into memory that is there. Node's own call makes a stream
// and an object that must be collected for each, which for a crop of a few kilobytes is a fifth of its
// time. So where koffi is installed the library is called itself, the first of these that there is:
//
//   libdeflate   the system's: in two thirds of zlib's time
//   zlib         the one that Node brings
//   node         through node:zlib
//
// All find the same streams whole, which their Adler-32 sees to, and give the same bytes.

import { createRequire } from 'node:module'
import { inflateSync } from 'node:zlib'

/** Fills `place` from a stream of exactly so many bytes; `false`, with anything in it, if it is not one. */
export type Inflate = (compressed: Uint8Array, place: Uint8Array) => boolean

/** The ways there may be; each is `undefined` where it is not on this machine. */
export const inflaters: Readonly<Record<'libdeflate' | 'zlib' | 'node', () => Inflate | undefined>> = {
  libdeflate: () => bindLibdeflate(),
  zlib: () => bindZlib(),
  node: () => inflateByNode,
}

let chosen: Inflate | undefined

/** By the quickest way that there is. */
export function inflate(compressed: Uint8Array, place: Uint8Array): boolean {
  chosen ??= inflaters.libdeflate() ?? inflaters.zlib() ?? inflateByNode
  return chosen(compressed, place)
}

const libdeflateNames: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: ['libdeflate.so.0', 'libdeflate.so'],
  darwin: ['libdeflate.dylib', '/opt/homebrew/opt/libdeflate/lib/libdeflate.dylib', '/usr/local/opt/libdeflate/lib/libdeflate.dylib'],
  win32: ['deflate.dll'],
  freebsd: ['libdeflate.so.0'],
}

function bindLibdeflate(): Inflate | undefined {
  return firstOf(libdeflateNames[process.platform] ?? [], (library) => {
    const allocate = library.func('void *libdeflate_alloc_decompressor(void)')
    const decompress = library.func('int libdeflate_zlib_decompress(void *decompressor, const void *from, size_t fromBytes, void *to, size_t toBytes, void *actualBytes)')
    const decompressor = allocate() as unknown
    if (!decompressor) throw new Error('no memory')
    // Without a place for the actual number of bytes it must be the one given.
    return (compressed, place) => decompress(decompressor, compressed, compressed.length, place, place.length, null) === 0
  })
}

/** What the program itself exports: Node's zlib, where it was linked in or loaded. */
function bindZlib(): Inflate | undefined {
  return firstOf([null], (library) => {
    const uncompress = library.func('int uncompress(void *to, void *toBytes, const void *from, unsigned long fromBytes)')
    const byteCount = new BigUint64Array(1)
    return (compressed, place) => {
      if (place.length === 0) return inflateByNode(compressed, place) // uncompress then takes a byte all the same
      byteCount[0] = BigInt(place.length)
      return uncompress(place, byteCount, compressed, compressed.length) === 0 && byteCount[0] === BigInt(place.length)
    }
  })
}

function firstOf(names: readonly (string | null)[], bind: (library: ReturnType<typeof import('koffi')['load']>) => Inflate): Inflate | undefined {
  for (const name of names) {
    try {
      const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
      return bind(koffi.load(name))
    } catch {
      // not there, or without these functions: the next
    }
  }
  return undefined
}

function inflateByNode(compressed: Uint8Array, place: Uint8Array): boolean {
  try {
    const data = inflateSync(compressed, { chunkSize: Math.max(64, place.length + 1), maxOutputLength: place.length })
    if (data.length === place.length) place.set(data)
    return data.length === place.length
  } catch {
    return false
  }
}
