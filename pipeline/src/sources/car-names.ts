// Make and model from the class names of Stanford Cars, which are "Make Model [Trim] [Body] Year":
//
//   AM General Hummer SUV 2000               AM General:Hummer
//   Chevrolet Silverado 1500 Hybrid Crew Cab 2012    Chevrolet:Silverado 1500
//
// The year, one body at the end, and trims go. What is left of the 196 names are 164 makes and models, as
// many as Rosebrock ("Deep Learning for Computer Vision with Python", ImageNet Bundle, chapter 12) counts
// in a table of his own that is not published: the rule is ours, and so its names may differ from his.

const makesOfTwoWords = ['AM General', 'Aston Martin', 'Land Rover']
/** At the end of the name; a "Van" that is a "Cargo Van" comes later than it. */
const body = / (?:(?:Cargo |Passenger )?Van|(?:Club|Crew|Extended|Quad|Regular) Cab|SuperCab|Convertible|Coupe|Hatchback|Minivan|Sedan|SUV|Wagon)$/
/** Never the first word of a model: the Audi "RS 4" is one. */
const trim = / (?:Abarth|Classic|Conv\.|GS|Hybrid|IPL|LP 570-4 Superleggera|Ron Fellows Edition Z06|RS|SRT-?8|SS|Type[- ][RS]|XKR|ZR1)(?= |$)/

/** "Make:Model" of a class name. A name of one word is a make and a model. */
export function makeAndModel(className: string): string {
  const name = className.trim().replace(/ \d{4}$/, '')
  const make = makesOfTwoWords.find((each) => name.startsWith(`${each} `)) ?? name.split(' ')[0]!
  const model = name.slice(make.length + 1) || make
  return `${make}:${model.replace(trim, '').replace(body, '').replace(trim, '')}`
}
