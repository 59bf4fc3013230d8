// What an encoded image is, by its first bytes, and what its file is called.

export interface ImageType {
  /** As TensorFlow writes it in image/format. */
  readonly name: string
  /** With its point. */
  readonly extension: string
}

/** The type of an image; `undefined` for bytes that begin like none of these. */
export function imageTypeOf(image: Uint8Array): ImageType | undefined {
  const head = Buffer.from(image.buffer, image.byteOffset, Math.min(image.length, 16)).toString('latin1')
  return signatures.find(([signature]) => signature.test(head))?.[1]
}

/** The ending of the file that an image is put into; `.bin` where nobody knows what it is. */
export function extensionOf(image: Uint8Array): string {
  return imageTypeOf(image)?.extension ?? unknownExtension
}

const unknownExtension = '.bin'

const signatures: readonly (readonly [RegExp, ImageType])[] = [
  [/^\xff\xd8\xff/, { name: 'jpeg', extension: '.jpg' }],
  [/^\x89PNG\r\n\x1a\n/, { name: 'png', extension: '.png' }],
  [/^RIFF[^]{4}WEBP/, { name: 'webp', extension: '.webp' }],
  [/^GIF8[79]a/, { name: 'gif', extension: '.gif' }],
  [/^P[56]\s/, { name: 'ppm', extension: '.ppm' }],
  [/^(?:II\*\0|MM\0\*)/, { name: 'tiff', extension: '.tif' }],
  [/^BM[^]{4}\0\0\0\0/, { name: 'bmp', extension: '.bmp' }],
]
