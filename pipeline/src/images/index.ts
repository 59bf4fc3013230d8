// Decode, encode, crop, resize: what the packer and the training loader share. Imports no parser of
// annotations.

export { decodeImage, type DecodeOptions } from './decode.js'
export { encodeJpeg, encodePng, type JpegOptions } from './encode.js'
export { cropImage, resizeImage } from './transform.js'
export type { PixelBox, RawImage } from './raw-image.js'
