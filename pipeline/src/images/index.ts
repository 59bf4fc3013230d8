// Decode, encode, crop, resize: what the packer and the training loader share. Imports no parser of
// annotations.

export { addChannelSums, channelStatistics, emptyChannelSums, sumChannels, type ChannelSums } from './channel-sums.js'
export { codecVersions, type Codec } from './codec.js'
export { decodeImage, decodeImageSync, type Colour, type DecodeOptions, type DecodeSyncOptions } from './decode.js'
export { encodeJpeg, encodeJpegSync, encodePng, encodeWebp, type Chroma, type JpegOptions, type PngOptions, type WebpOptions } from './encode.js'
export { cropImage, resizeAntialiased, resizeImage, toEightBits, type ResizeMethod } from './transform.js'
export { loadTurboJpeg, type TurboJpeg } from './turbojpeg.js'
export type { ChannelCount, DeepImage, PixelBox, RawImage, Samples } from './raw-image.js'
