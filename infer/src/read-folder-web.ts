// In a page a path is an address beside the page's own.

import { webFiles, type ModelFiles } from './model-files.js'

export function folderFiles(path: string): ModelFiles {
  return webFiles(new URL(path, globalThis.location?.href))
}
