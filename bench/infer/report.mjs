// The tables that a person reads.

import { peers, sizesOf } from './peers.mjs'

export function printReport({ date, node, processor, cores, rounds, loadBefore, loadAfter, networks, cells, cold }) {
  console.log(`${date.slice(0, 10)}, Node ${node}, ${processor}, ${cores} cores, load ${loadBefore[0].toFixed(1)} before and ${loadAfter[0].toFixed(1)} after; medians of ${rounds} rounds in turns`)
  for (const threads of new Set(cells.map((cell) => cell.threads))) printSpeed(cells.filter((cell) => cell.threads === threads), networks)
  printThreads(cells)
  if (cold.length > 0) printStarts(cold)
  printSizes(cells, networks)
}

export function median(list) {
  const sorted = [...list].sort((a, b) => a - b)
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2
}

function geometricMean(list) {
  return Math.exp(list.reduce((sum, value) => sum + Math.log(value), 0) / list.length)
}

function printSpeed(cells, networks) {
  const [{ threads, samples }] = cells
  const unit = threads === 1 ? 'cpuMs' : 'wallMs'
  const titled = (name) => (threads > peers[name].mostThreads ? `${name}, 1 thread` : name)
  const others = Object.keys(samples).filter((name) => name !== 'millrace')
  console.log(`\n${threads} thread${threads > 1 ? 's' : ''}: ${unit === 'cpuMs' ? 'CPU' : 'wall'} ms a batch (GFLOP/s), how many times Millrace's time; largest error`)
  printRow(['network', titled('millrace'), ...others.map(titled)])
  const ratios = new Map(others.map((name) => [name, []]))
  for (const { network, batch, samples: runs, errors } of cells) {
    const times = (name) => runs[name].map((each) => each[unit])
    const speed = (name) => `${median(times(name)).toFixed(1)} (${((networks[network].flops * batch) / median(times(name)) / 1e6).toFixed(0)})`
    printRow([`${network} b${batch}`, speed('millrace'), ...others.map((name) => {
      const ratio = median(times(name).map((time, round) => time / times('millrace')[round]))
      ratios.get(name).push(ratio)
      return `${speed(name)} ${ratio.toFixed(2)}x`
    }), Math.max(...Object.values(errors)).toExponential(0)])
  }
  printRow(['geometric mean', '', ...others.map((name) => `${geometricMean(ratios.get(name)).toFixed(2)}x [${Math.min(...ratios.get(name)).toFixed(2)}-${Math.max(...ratios.get(name)).toFixed(2)}]`)])
}

/** How many times faster several threads answer than one, by wall time. */
function printThreads(cells) {
  const single = cells.filter(({ threads }) => threads === 1)
  const several = cells.filter(({ threads }) => threads > 1)
  if (single.length === 0 || several.length === 0) return
  console.log('\nwall time of one thread over that of several')
  const names = Object.keys(several[0].samples).filter((name) => peers[name].mostThreads > 1)
  printRow(['network', ...names])
  for (const { network, batch, threads, samples } of several) {
    const alone = single.find((cell) => cell.network === network && cell.batch === batch).samples
    const wall = (runs) => median(runs.map(({ wallMs }) => wallMs))
    printRow([`${network} b${batch} t${threads}`, ...names.map((name) => `${(wall(alone[name]) / wall(samples[name])).toFixed(2)}x`)])
  }
}

function printStarts(cold) {
  const names = [...new Set(cold.map(({ peer }) => peer))]
  console.log('\nfrom spawn to the first answer: wall ms / CPU ms / peak resident MB')
  printRow(['network', ...names])
  for (const network of new Set(cold.map((each) => each.network))) {
    printRow([network, ...names.map((name) => {
      const { startMs, cpuMs, memoryMB } = cold.find((each) => each.network === network && each.peer === name)
      return `${startMs.toFixed(0)} / ${cpuMs.toFixed(0)} / ${memoryMB.toFixed(0)}`
    })])
  }
}

function printSizes(cells, networks) {
  const megabytes = (bytes) => `${(bytes / 1e6).toFixed(2)} MB`
  console.log('\npackage on disk, and the binary that is loaded')
  for (const name of Object.keys(cells[0].samples).filter((each) => each in peers)) {
    const { packageBytes, binaryBytes } = sizesOf(name)
    printRow([name, megabytes(packageBytes), binaryBytes ? megabytes(binaryBytes) : ''])
  }
  console.log('\nMillrace\'s module, plain SIMD, batch 1, and the weights')
  for (const [name, { moduleBytes, weightBytes }] of Object.entries(networks)) printRow([name, `${(moduleBytes / 1024).toFixed(1)} KB`, megabytes(weightBytes)])
}

function printRow([first, ...rest]) {
  console.log(`  ${first.padEnd(16)}${rest.map((each) => each.padStart(22)).join('')}`.trimEnd())
}
