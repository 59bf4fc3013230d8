// What several tests share: where the fixtures and the optional real data lie, and a temporary folder.

import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { resolve } from 'node:path'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** The path of a fixture committed under test/fixtures. */
export function fixture(name: string): string {
  return resolve(root, 'test/fixtures', name)
}

/**
 * The path of a file in the optional folder of real data (MILLRACE_TEST_DATA, else ../shared/data
 * beside the checkout), and the `skip` option for tap where that folder is absent.
 */
export function realData(name: string): { path: string; skip: string | false } {
  const folder = process.env['MILLRACE_TEST_DATA'] ?? resolve(root, '../shared/data')
  const skip = existsSync(folder) ? false : `no real data at ${folder} (set MILLRACE_TEST_DATA)`
  return { path: resolve(folder, name), skip }
}
