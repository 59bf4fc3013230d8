export { PipelineError, pipelineErrorCodes, type PipelineErrorCode, type PipelineErrorDetails } from './errors.js'
export { imageExtensions, readClassFolders, type ClassFolder, type ClassFolderOptions, type ClassFolders, type IgnoredFiles } from './class-folders.js'
export { formatClassNames, parseClassNames, readClassNames } from './class-names.js'
export { cropBox, cropToRegions, type CropOptions } from './crop.js'
export { encodeJpeg, type EncodeJpegOptions } from './encode.js'
export type { PixelBox, RawImage } from './images/raw-image.js'
export { convert, type ConvertOptions, type ConvertProgress, type ConvertReport, type InterchangeFormat } from './interchange/convert.js'
export type { LabelledImage, ReadImagesOptions, RejectedImage } from './interchange/labelled-image.js'
export { decodeExample, encodeExample, type Example, type Feature } from './interchange/tf-example.js'
export { encodeTfRecord, readTfRecords, type ReadTfRecordsOptions, type TfRecord } from './interchange/tfrecord-file.js'
export { encodeTfRecordImages, readTfRecordImages } from './interchange/tfrecord-images.js'
export { unpackRecords, type UnpackOptions, type UnpackReport } from './interchange/unpack.js'
export { readWebDataset } from './interchange/web-dataset-reader.js'
export { encodeWebDataset } from './interchange/web-dataset-writer.js'
export {
  toRecordLabel,
  type BoxesLabel,
  type ClassBox,
  type ClassLabel,
  type DigitsLabel,
  type Label,
  type LabelKind,
  type RecordLabel,
  type ValuesLabel,
} from './label.js'
export { formatListLine, readListFile, type ListEntry, type ListLine, type ReadListOptions } from './list-file.js'
export { listFolder, type ListFolderOptions, type ListFolderReport } from './list-folder.js'
export { type Part, type PartAmounts, type PartName } from './draw-parts.js'
export { splitClasses, type SplitOptions } from './list-split.js'
export { im2recSource, type Im2recSourceOptions } from './im2rec/im2rec-source.js'
export { makeIm2recList, type MadeLists, type MakeListOptions } from './im2rec/make-list.js'
export { packDataset, type LabelLayout, type PackOptions, type PackProgress, type PackReport } from './pack/pack-dataset.js'
export { previewPack, type PackPreview, type PreviewedSample } from './pack/preview-pack.js'
export type { PackPart, ShardOptions } from './pack/pack-layout.js'
export type { RejectedSample } from './pack/reject-list.js'
export { createPlan, defaultPlan, type CropPlan, type EncodePlan, type ImagePlan, type PlanMethod, type ResizePlan, type StatisticsPlan } from './render/image-plan.js'
export { renderImage, type RenderedImage, type RenderRequest } from './render/render-image.js'
export { resize, type ResizeOptions } from './resize.js'
export { readPixels, type Sample, type SampleOutline, type Source } from './sample.js'
export { DigitStructFile, readDigitStruct, type DigitBox, type DigitStructEntry } from './sources/digit-struct-file.js'
export { digitStruct, type DigitStructOptions } from './sources/digit-struct.js'
export { annotatedSource, type AnnotatedSource } from './sources/annotated-source.js'
export { annotateBoxes, boxesLabel, type AnnotatedBox, type BoxesOptions } from './sources/boxes.js'
export { type Annotation, type SizedLabel } from './sources/join-images.js'
export { openSource, unreadOptions, type OpenSourceOptions } from './sources/open-source.js'
export { sourceFormats, type CertainSigns, type SourceFormat } from './sources/registry.js'
export { selectClasses } from './sources/select-classes.js'
export { splitSource, type SplitShare } from './sources/split-source.js'
export { type BoxUnit, type ColumnValue, type PixelSize, type SourceOptions } from './sources/source-options.js'
export { openImages, type OpenImagesOptions } from './providers/open-images.js'
export { type IgnoredReason, type ImageProvider, type RandomImages, type StreamedImage, type StreamedImages } from './providers/image-provider.js'
export { createTransform, mapOrdered, type ConcurrencyOptions, type Transform } from './transform.js'
export { writeWholeFile } from './whole-file.js'
