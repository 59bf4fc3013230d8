// The source formats by name, as `--format` takes them. A format's code loads when it is opened.
// A new format is one file beside this one, and one entry here (CONTRIBUTING.md).

import type { PartAmounts } from '../draw-parts.js'
import type { Source } from '../sample.js'
import type { SourceOptions } from './source-options.js'

export interface SourceFormat {
  /** One line for --help. */
  readonly about: string
  /** What the path of the data set is. */
  readonly path: string
  /** Which options it reads; all formats also take `classes` and a random share. */
  readonly options: readonly (keyof SourceOptions)[]
  /** The names of the data set's own parts, for `split`. Default: none. */
  readonly splits?: readonly string[]
  /** What `task` can be; the first is the default, but where `defaultTask` tells another. Default: none. */
  readonly tasks?: readonly string[]
  /** The default task in words, where it follows from the data set. */
  readonly defaultTask?: string
  /**
   * A random division that the data set's users agree on, where its publisher gives none: `split` then also
   * names its parts. `of`: the own part that is divided. Default: none.
   */
  readonly drawn?: PartAmounts & { readonly of?: string }
  /** What makes a path certainly one of this format: one of these. Default: nothing does. */
  readonly certain?: readonly CertainSigns[]
  /** @throws PipelineError where the data set cannot be opened */
  open(path: string, options: SourceOptions): Promise<Source>
}

/** All that is given must hold. Signs with `holds` are of a folder, without it of a file. */
export interface CertainSigns {
  /** The last name of the path. */
  readonly name?: RegExp
  /** The first 4,096 bytes of the file, as latin1, without a BOM. */
  readonly head?: RegExp
  /** Files or folders that all lie in the folder. */
  readonly holds?: readonly string[]
}

const forAll = ['images', 'root', 'followLinks', 'signal'] as const

/** Every format there is. */
export const sourceFormats: Readonly<Record<string, SourceFormat>> = {
  'digit-struct': {
    about: "SVHN's full numbers: the digits of each image from digitStruct.mat, left to right",
    path: 'a folder, .zip, .tar or .tar.gz with digitStruct.mat and the images, or the digitStruct.mat',
    options: forAll,
    certain: [{ holds: ['digitStruct.mat'] }, { name: /^digitStruct\.mat$/ }],
    open: async (path, options) => (await import('./digit-struct.js')).digitStruct(path, options),
  },
  list: {
    about: "im2rec's list: id, labels and path in a line",
    path: 'the .lst file',
    options: [...forAll, 'classNames', 'labelWidth', 'listFlavour'],
    certain: [{ name: /\.lst$/i }],
    open: async (path, options) => (await import('./list.js')).list(path, options),
  },
  folder: {
    about: "a tree of images, the first folder of an image's path is its class",
    path: 'the folder, .zip, .tar or .tar.gz',
    options: [...forAll, 'classNames', 'flat', 'extensions'],
    open: async (path, options) => (await import('./folder.js')).folder(path, options),
  },
  csv: {
    about: 'a table with named columns: image and class, image and values, or image, box and class',
    path: 'the table, with , ; tab or | between its fields',
    options: [...forAll, 'classNames', 'imageColumn', 'labelColumns', 'boxColumns', 'boxUnit', 'sizeColumns', 'delimiter', 'where', 'badBoxes'],
    open: async (path, options) => (await import('./csv.js')).csv(path, options),
  },
  lisa: {
    about: "LISA's traffic signs: boxes in the frames of videos",
    path: 'allAnnotations.csv',
    options: [...forAll, 'classNames', 'where', 'badBoxes'],
    drawn: { test: { share: 0.25 } },
    certain: [{ head: /^Filename;Annotation tag;Upper left corner X;/ }],
    open: async (path, options) => (await import('./lisa.js')).lisa(path, options),
  },
  gtsrb: {
    about: 'the German Traffic Sign Recognition Benchmark: a sign in each image, its class and its box',
    path: "GT-….csv, Kaggle's Train.csv or Test.csv, or the folder of a folder for each class",
    options: [...forAll, 'classNames', 'task', 'delimiter', 'where', 'badBoxes'],
    tasks: ['class', 'boxes'],
    certain: [{ head: /^Filename;Width;Height;Roi\.?X1;/ }, { head: /^Width,Height,Roi\.X1,Roi\.Y1,Roi\.X2,Roi\.Y2,ClassId,Path\s/ }, { holds: ['00000/GT-00000.csv'] }],
    open: async (path, options) => (await import('./gtsrb.js')).gtsrb(path, options),
  },
  'open-images': {
    about: "Open Images' boxes",
    path: 'the table of boxes, such as validation-annotations-bbox.csv',
    options: [...forAll, 'classNames', 'delimiter', 'where', 'badBoxes', 'boxUnit'],
    certain: [{ head: /^ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax\b/ }],
    open: async (path, options) => (await import('./open-images.js')).openImagesBoxes(path, options),
  },
  snacks: {
    about: 'photos of 20 kinds of food, with boxes',
    path: 'the folder of annotations-train.csv, -val.csv and -test.csv, or one of them',
    options: [...forAll, 'classNames', 'split', 'delimiter', 'where', 'badBoxes', 'boxUnit'],
    splits: ['train', 'val', 'test'],
    certain: [{ head: /^image_id,x_min,x_max,y_min,y_max,class_name,folder\s/ }, { holds: ['annotations-train.csv'] }],
    open: async (path, options) => (await import('./snacks.js')).snacks(path, options),
  },
  idx: {
    about: 'MNIST and its kin: grey or RGB pixels and their classes in a pair of idx files, gzipped or not',
    path: 'the file of the images (train-images-idx3-ubyte.gz), its labels beside it; or their folder',
    options: ['split', 'classNames'],
    splits: ['train', 'test'],
    certain: [{ name: /images[-.]idx[34]-ubyte(?:\.gz)?$/ }, ...['train', 't10k'].flatMap((part) => ['', '.gz'].map((ending) => ({ holds: [`${part}-images-idx3-ubyte${ending}`] })))],
    open: async (path, options) => (await import('./idx.js')).idx(path, options),
  },
  orientation: {
    about: 'any images, each turned by 0, 90, 180 or 270 degrees clockwise, which is its class',
    path: 'the folder, .zip, .tar or .tar.gz',
    options: [...forAll, 'extensions', 'seed'],
    open: async (path, options) => (await import('./orientation.js')).orientation(path, options),
  },
  imagenet: {
    about: "ILSVRC's 1,000 classes, from the lists of the development kit or of Kaggle",
    path: "the folder of the data set, that of the kit or Kaggle's; or one of its lists, train_cls.txt or val.txt",
    options: [...forAll, 'split', 'task'],
    splits: ['train', 'val'],
    tasks: ['clsloc', 'sorted'],
    defaultTask: "clsloc with the kit's map_clsloc.txt, sorted with Kaggle's LOC_synset_mapping.txt",
    drawn: { of: 'train', test: { count: 50 } },
    certain: [{ holds: ['ImageSets/CLS-LOC'] }, { name: /^train_cls\.txt$/ }, { holds: ['train_cls.txt'] }, { holds: ['LOC_synset_mapping.txt'] }],
    open: async (path, options) => (await import('./imagenet.js')).imagenet(path, options),
  },
  'stanford-cars': {
    about: 'Stanford Cars: makes and models, or all 196 classes, with the box of each car, from its MATLAB files or a table',
    path: 'the folder of the data set, cars_annos.mat, cars_train_annos.mat or complete_dataset.csv',
    options: [...forAll, 'classNames', 'badBoxes', 'where', 'delimiter', 'split', 'task'],
    splits: ['train', 'test'],
    tasks: ['make-model', 'class', 'boxes'],
    certain: [{ name: /^cars_(annos|train_annos|test_annos_withlabels)\.mat$/ }, { holds: ['cars_annos.mat'] }, { holds: ['cars_train_annos.mat'] }, { holds: ['devkit', 'cars_train'] }],
    open: async (path, options) => (await import('./stanford-cars.js')).stanfordCars(path, options),
  },
  fer2013: {
    about: 'faces and their emotions: 48x48 grey pixels in a table; also with the votes of FER+',
    path: 'the table (emotion, pixels, Usage), or the folder with fer2013.csv',
    options: ['split', 'task', 'where', 'votes'],
    splits: ['train', 'val', 'test'],
    tasks: ['seven', 'six', 'ferplus'],
    certain: [{ head: /^(?:\xef\xbb\xbf)?emotion, ?(?:pixels, ?usage|usage, ?pixels)\s/i }, { holds: ['fer2013.csv'] }],
    open: async (path, options) => (await import('./fer2013.js')).fer2013(path, options),
  },
  tfrecord: {
    about: "TensorFlow's records: an encoded image in each tf.train.Example, with its class, boxes or numbers",
    path: 'a TFRecord file, gzipped or not; a folder of shards; or what their names begin with, before -00000-of-00010',
    options: ['classNames', 'split', 'imageKey', 'labelKey', 'labelKind', 'badBoxes'],
    splits: ['train', 'val', 'test'],
    certain: [{ name: /\.tfrecords?(?:-\d+-of-\d+)?(?:\.gz)?$/i }],
    open: async (path, options) => (await import('./shards.js')).tfRecord(path, options),
  },
  webdataset: {
    about: 'tar shards in which files of one name are a sample: 0001.jpg, 0001.cls or 0001.json',
    path: 'a .tar, .tar.gz or .tgz; a folder of them; or a range such as train-{000000..000099}.tar',
    options: ['classNames', 'split', 'imageKey', 'labelKey', 'labelKind', 'badBoxes'],
    splits: ['train', 'val', 'test'],
    open: async (path, options) => (await import('./shards.js')).webDataset(path, options),
  },
  adience: {
    about: "Adience's faces: eight ranges of age, or the gender",
    path: 'the folder with the fold files (fold_frontal_0_data.txt …), or one of them',
    options: [...forAll, 'split', 'task', 'where'],
    splits: ['frontal', 'all'],
    tasks: ['age', 'gender'],
    drawn: { validation: { share: 0.15 }, test: { share: 0.15 } },
    certain: [{ name: /^fold_(frontal_)?\d+_data\.txt$/ }, { holds: ['fold_frontal_0_data.txt'] }, { holds: ['fold_0_data.txt'] }],
    open: async (path, options) => (await import('./adience.js')).adience(path, options),
  },
  'dlib-xml': {
    about: "the boxes of dlib's imglab; those reaching past the image are clamped, empty ones dropped",
    path: 'the XML file',
    options: [...forAll, 'classNames', 'badBoxes'],
    certain: [{ head: /^<\?xml[^]*<dataset>[^]*<images>/ }],
    open: async (path, options) => (await import('./dlib-xml.js')).dlibXml(path, options),
  },
  voc: {
    about: 'Pascal VOC: an XML file of boxes for each image',
    path: 'the folder with Annotations, JPEGImages and ImageSets; or one of XML files and images',
    options: [...forAll, 'classNames', 'split', 'badBoxes'],
    splits: ['train', 'val', 'trainval', 'test'],
    certain: [{ holds: ['Annotations', 'JPEGImages'] }],
    open: async (path, options) => (await import('./voc.js')).voc(path, options),
  },
  coco: {
    about: "COCO's instances files: boxes of 80 classes, or of one's own",
    path: 'the JSON file, or the folder with annotations/instances_….json, or with train/_annotations.coco.json',
    options: [...forAll, 'classNames', 'split', 'badBoxes'],
    splits: ['train', 'val', 'test'],
    certain: [{ name: /^(instances_(train|val|test)\d*|_annotations\.coco)\.json$/ }, { holds: ['annotations/instances_train2017.json'] }, { holds: ['annotations/instances_val2017.json'] }, { holds: ['train/_annotations.coco.json'] }],
    open: async (path, options) => (await import('./coco.js')).coco(path, options),
  },
  yolo: {
    about: 'a text file of boxes for each image, as YOLO takes them',
    path: 'data.yaml, the folder with one or with images/ and labels/, or a .txt with the names of images',
    options: [...forAll, 'classNames', 'split', 'badBoxes'],
    splits: ['train', 'val', 'test'],
    certain: [{ holds: ['images', 'labels'] }, { name: /^data\.ya?ml$/ }, { holds: ['data.yaml'] }],
    open: async (path, options) => (await import('./yolo.js')).yolo(path, options),
  },
}
