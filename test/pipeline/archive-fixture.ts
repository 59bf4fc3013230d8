// Writes zip, tar and tar.gz files for the tests, good ones and such as no tool would write.

import { gzipSync, deflateRawSync } from 'node:zlib'
import { crc32 } from '@node-rs/crc32'
import { pack, type Header } from 'tar-stream'

export interface ZipFixtureEntry {
  readonly name: string
  readonly bytes: Uint8Array
  /** Default: deflated. */
  readonly stored?: boolean
  /** Overrides what the directory says. */
  readonly method?: number
  readonly flags?: number
  readonly size?: number
  readonly compressedSize?: number
  readonly crc?: number
  /** Unix mode, in the upper half of the external attributes. */
  readonly mode?: number
}

/** A zip file: local headers and data, directory, end record. */
export function zip(entries: readonly ZipFixtureEntry[], endCount = entries.length): Buffer {
  const locals: Buffer[] = []
  const directory: Buffer[] = []
  let offset = 0
  for (const entry of entries) {
    const { local, central } = zipEntry(entry, offset)
    locals.push(local)
    directory.push(central)
    offset += local.length
  }
  const end = Buffer.alloc(22)
  end.writeUInt32LE(0x06054b50, 0)
  end.writeUInt16LE(endCount, 8)
  end.writeUInt16LE(endCount, 10)
  end.writeUInt32LE(Buffer.concat(directory).length, 12)
  end.writeUInt32LE(offset, 16)
  return Buffer.concat([...locals, ...directory, end])
}

function zipEntry({ name, bytes, stored = false, method = stored ? 0 : 8, flags = 0x800, mode = 0o100644, ...claimed }: ZipFixtureEntry, offset: number): { local: Buffer; central: Buffer } {
  const data = stored ? Buffer.from(bytes) : deflateRawSync(bytes)
  const shared = Buffer.alloc(26) // version needed … extra length: the part that both headers have
  shared.writeUInt16LE(20, 0)
  shared.writeUInt16LE(flags, 2)
  shared.writeUInt16LE(method, 4)
  shared.writeUInt32LE(claimed.crc ?? crc32(bytes), 10)
  shared.writeUInt32LE(claimed.compressedSize ?? data.length, 14)
  shared.writeUInt32LE(claimed.size ?? bytes.length, 18)
  shared.writeUInt16LE(Buffer.byteLength(name), 22)
  const tail = Buffer.alloc(14) // comment length … local header's offset
  tail.writeUInt32LE((mode << 16) >>> 0, 6)
  tail.writeUInt32LE(offset, 10)
  const [localSignature, centralSignature] = [Buffer.from('PK\x03\x04'), Buffer.from('PK\x01\x02\x14\x03', 'latin1')]
  return {
    local: Buffer.concat([localSignature, shared, Buffer.from(name), data]),
    central: Buffer.concat([centralSignature, shared, tail, Buffer.from(name)]),
  }
}

export type TarFixtureEntry = Partial<Header> & { readonly name: string; readonly bytes?: Uint8Array }

/** A tar as tar-stream writes it: names that ustar cannot hold go into PAX headers. */
export async function tar(entries: readonly TarFixtureEntry[]): Promise<Buffer> {
  const archive = pack()
  for (const { bytes = new Uint8Array(0), ...header } of entries) archive.entry(header, Buffer.from(bytes))
  archive.finalize()
  const chunks: Buffer[] = []
  for await (const chunk of archive) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

export async function tarGz(entries: readonly TarFixtureEntry[]): Promise<Buffer> {
  return gzipSync(await tar(entries))
}
