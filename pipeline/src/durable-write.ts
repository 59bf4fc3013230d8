// What every file written here needs so that nothing is lost without an error.

import { open, type FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'

/** The system may take less than it is given: goes on until it has all, as long as it takes anything. */
export async function writeFully(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let written = 0; written < bytes.length;) {
    const { bytesWritten } = await handle.write(bytes, written, bytes.length - written)
    if (bytesWritten === 0) throw new Error(`the system took none of the ${bytes.length - written} bytes it was given`)
    written += bytesWritten
  }
}

/**
 * Makes renames in the folder of `path` durable, where the system can (Windows cannot open a folder, some
 * network drives cannot sync one); throws only where the disk fails.
 */
export async function syncFolder(path: string): Promise<void> {
  const folder = await open(dirname(path)).catch(() => undefined)
  try {
    await folder?.sync()
  } catch (cause) {
    if (['EIO', 'ENOSPC', 'EDQUOT'].includes((cause as NodeJS.ErrnoException).code ?? '')) throw cause
  } finally {
    await folder?.close()
  }
}
