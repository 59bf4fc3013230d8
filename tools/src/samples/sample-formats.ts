// The sample data sets by name. Names are those of the formats that `pack` reads, but for the variants of
// one. A format's code loads when it is drawn.

import type { PartName, SampleFolder } from './sample-folder.js'

export interface SampleRequest {
  readonly folder: SampleFolder
  /** Images by part. */
  readonly counts: Readonly<Record<PartName, number>>
  /** Pixels of an image's longer side; 0 for formats of one size. */
  readonly size: number
}

/** A part of the data set and how it is packed. */
export interface WrittenPart {
  readonly part: string
  readonly images: number
  /** Of `millrace pack`: what the path is, from the folder of the sample ('' is the folder), and the flags with it. */
  readonly path: string
  readonly flags: readonly string[]
  /** The file of the class names, from there too, where the format has none of its own. */
  readonly classNames?: string
}

export type SampleWriter = (request: SampleRequest) => Promise<WrittenPart[]>

export interface SampleFormat {
  /** One line for --help. */
  readonly about: string
  /** Images to train on. */
  readonly count: number
  /** Pixels of an image's longer side; undefined where the format fixes it. */
  readonly size?: number
  readonly parts: readonly PartName[]
  /** All that it writes directly into the folder. */
  readonly holds: readonly string[]
  writer(): Promise<SampleWriter>
}

const all = ['train', 'validation', 'test'] as const

/** Every sample but `svhn` (svhn-sample.ts). */
export const sampleFormats: Readonly<Record<string, SampleFormat>> = {
  list: {
    about: "Eleven kinds of food in im2rec's lists: train.lst, validation.lst, test.lst and images/.",
    count: 440, size: 128, parts: all, holds: ['images', 'train.lst', 'validation.lst', 'test.lst', 'classes.txt'],
    writer: async () => (await import('./formats/list.js')).writeList,
  },
  folder: {
    about: 'Eleven kinds of food, a folder for each in train/, validation/, test/.',
    count: 440, size: 128, parts: all, holds: ['train', 'validation', 'test'],
    writer: async () => (await import('./formats/folder.js')).writeFolder,
  },
  csv: {
    about: 'Eleven kinds of food in tables of image and label.',
    count: 440, size: 128, parts: all, holds: ['images', 'train.csv', 'validation.csv', 'test.csv'],
    writer: async () => (await import('./formats/csv.js')).writeCsv,
  },
  'csv-boxes': {
    about: 'Streets with cars, houses, people, signs and trees, in tables with a row for each box.',
    count: 300, size: 224, parts: all, holds: ['images', 'train.csv', 'validation.csv', 'test.csv'],
    writer: async () => (await import('./formats/csv.js')).writeCsvBoxes,
  },
  imagenet: {
    about: "Twelve of ImageNet's classes in the tree of its development kit, with the validation list and the blacklist.",
    count: 1200, size: 128, parts: ['train', 'validation'], holds: ['Data', 'ImageSets', 'devkit'],
    writer: async () => (await import('./formats/imagenet.js')).writeImageNet,
  },
  fer2013: {
    about: 'Faces with seven expressions, 48x48 grey, in fer2013.csv, and the votes of FER+ in fer2013new.csv.',
    count: 1400, parts: all, holds: ['fer2013.csv', 'fer2013new.csv'],
    writer: async () => (await import('./formats/fer2013.js')).writeFer2013,
  },
  'stanford-cars': {
    about: 'Twelve makes and models of cars, with boxes, in cars_annos.mat and in complete_dataset.csv.',
    count: 600, size: 192, parts: ['train', 'test'], holds: ['car_ims', 'cars_annos.mat', 'complete_dataset.csv'],
    writer: async () => (await import('./formats/stanford-cars.js')).writeStanfordCars,
  },
  adience: {
    about: 'Faces of people from babies to the old, women and men, in five folds, a few without age or gender.',
    count: 800, size: 128, parts: ['train'], holds: ['aligned', ...[0, 1, 2, 3, 4].map((fold) => `fold_frontal_${fold}_data.txt`)],
    writer: async () => (await import('./formats/adience.js')).writeAdience,
  },
  lisa: {
    about: 'Frames of drives past six kinds of American signs, in allAnnotations.csv.',
    count: 300, size: 320, parts: ['train'], holds: ['allAnnotations.csv', 'drives'],
    writer: async () => (await import('./formats/lisa.js')).writeLisa,
  },
  gtsrb: {
    about: 'German signs of 21 classes, cut out at 24 to 80 pixels, in Train.csv and Test.csv.',
    count: 1050, parts: ['train', 'test'], holds: ['Train', 'Test', 'Train.csv', 'Test.csv'],
    writer: async () => (await import('./formats/gtsrb.js')).writeGtsrb,
  },
  'dlib-xml': {
    about: "Traffic from ahead and behind in imglab's XML; far cars to be ignored, boxes past the edge.",
    count: 300, size: 256, parts: ['train', 'test'], holds: ['images', 'training.xml', 'testing.xml'],
    writer: async () => (await import('./formats/dlib-xml.js')).writeDlibXml,
  },
  voc: {
    about: 'Streets with five kinds of objects in the layout of Pascal VOC.',
    count: 300, size: 224, parts: all, holds: ['Annotations', 'ImageSets', 'JPEGImages'],
    writer: async () => (await import('./formats/voc.js')).writeVoc,
  },
  coco: {
    about: "Streets with five kinds of objects in COCO's instances files of 2017.",
    count: 300, size: 224, parts: ['train', 'validation'], holds: ['annotations', 'train2017', 'val2017'],
    writer: async () => (await import('./formats/coco.js')).writeCoco,
  },
  yolo: {
    about: 'Streets with five kinds of objects, a text file for each image, and data.yaml.',
    count: 300, size: 224, parts: all, holds: ['data.yaml', 'images', 'labels'],
    writer: async () => (await import('./formats/yolo.js')).writeYolo,
  },
  'open-images': {
    about: "Streets with five kinds of objects in Open Images' tables of boxes, with the class descriptions.",
    count: 300, size: 224, parts: all,
    holds: ['train', 'validation', 'test', 'class-descriptions-boxable.csv', ...all.map((part) => `${part}-annotations-bbox.csv`)],
    writer: async () => (await import('./formats/open-images.js')).writeOpenImages,
  },
  snacks: {
    about: 'Tables with one to four pieces of food and their boxes.',
    count: 440, size: 192, parts: all, holds: ['train', 'val', 'test', 'annotations-train.csv', 'annotations-val.csv', 'annotations-test.csv'],
    writer: async () => (await import('./formats/snacks.js')).writeSnacks,
  },
  idx: {
    about: "Written digits, 28x28 grey, in MNIST's four gzipped files.",
    count: 6000, parts: ['train', 'test'], holds: ['train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz', 't10k-images-idx3-ubyte.gz', 't10k-labels-idx1-ubyte.gz'],
    writer: async () => (await import('./formats/idx.js')).writeIdxDigits,
  },
  'idx-clothes': {
    about: "Clothes of ten kinds, 28x28 grey, in Fashion-MNIST's four gzipped files, with classes.txt.",
    count: 6000, parts: ['train', 'test'], holds: ['train-images-idx3-ubyte.gz', 'train-labels-idx1-ubyte.gz', 't10k-images-idx3-ubyte.gz', 't10k-labels-idx1-ubyte.gz', 'classes.txt'],
    writer: async () => (await import('./formats/idx.js')).writeIdxClothes,
  },
  orientation: {
    about: 'Upright landscapes and streets, to learn from which way is up.',
    count: 600, size: 160, parts: all, holds: ['train', 'validation', 'test'],
    writer: async () => (await import('./formats/orientation.js')).writeOrientation,
  },
  tfrecord: {
    about: 'Eleven kinds of food in TFRecord files, those to train on in two shards.',
    count: 440, size: 128, parts: all, holds: ['train-00000-of-00002.tfrecord', 'train-00001-of-00002.tfrecord', 'validation-00000-of-00001.tfrecord', 'test-00000-of-00001.tfrecord'],
    writer: async () => (await import('./formats/shards.js')).writeTfRecord,
  },
  webdataset: {
    about: 'Eleven kinds of food in tar shards, those to train on in two, with classes.txt.',
    count: 440, size: 128, parts: all, holds: ['train-000000.tar', 'train-000001.tar', 'validation-000000.tar', 'test-000000.tar', 'classes.txt'],
    writer: async () => (await import('./formats/shards.js')).writeWebDataset,
  },
}
