// The tables that a person reads.

import { peers, sizesOf } from './peers.mjs'

/** @returns {string} */
export function report({ date, node, processor, cores, rounds, loadBefore, loadAfter, networks, cells, cold }) {
  const machine = `${date.slice(0, 10)}, Node ${node}, ${processor}, ${cores} cores, load ${loadBefore[0].toFixed(1)} before and ${loadAfter[0].toFixed(1)} after; medians of ${rounds} rounds in turns`
  const threadCounts = [...new Set(cells.map(({ threads }) => threads))]
  const tables = [...threadCounts.map((count) => speedTable(cells.filter(({ threads }) => threads === count), networks)), threadTable(cells), startTable(cold), packageTable(cells), moduleTable(networks)]
  return [machine, ...tables.filter(({ rows }) => rows.length > 0).map(({ title, rows }) => [`\n${title}`, ...rows.map(line)].flat())].flat().join('\n')
}

export function median(list) {
  const sorted = [...list].sort((a, b) => a - b)
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2
}

function speedTable(cells, networks) {
  const [{ threads, samples }] = cells
  const unit = threads === 1 ? 'cpuMs' : 'wallMs'
  const titled = (name) => (threads > peers[name].mostThreads ? `${name}, 1 thread` : name)
  const others = Object.keys(samples).filter((name) => name !== 'millrace')
  const ratios = new Map(others.map((name) => [name, []]))
  const rows = cells.map(({ network, batch, samples: runs, errors }) => {
    const times = (name) => runs[name].map((each) => each[unit])
    const speed = (name) => `${median(times(name)).toFixed(1)} (${((networks[network].flops * batch) / median(times(name)) / 1e6).toFixed(0)})`
    const compared = others.map((name) => {
      const ratio = median(times(name).map((time, round) => time / times('millrace')[round]))
      ratios.get(name).push(ratio)
      return `${speed(name)} ${ratio.toFixed(2)}x`
    })
    return [`${network} b${batch}`, speed('millrace'), ...compared, Math.max(...Object.values(errors)).toExponential(0)]
  })
  const means = others.map((name) => `${geometricMean(ratios.get(name)).toFixed(2)}x [${Math.min(...ratios.get(name)).toFixed(2)}-${Math.max(...ratios.get(name)).toFixed(2)}]`)
  return {
    title: `${threads} thread${threads > 1 ? 's' : ''}: ${unit === 'cpuMs' ? 'CPU' : 'wall'} ms a batch (GFLOP/s), how many times Millrace's time; largest error`,
    rows: [['network', titled('millrace'), ...others.map(titled)], ...rows, ['geometric mean', '', ...means]],
  }
}

/** How many times faster several threads answer than one. */
function threadTable(cells) {
  const single = cells.filter(({ threads }) => threads === 1)
  const several = cells.filter(({ threads }) => threads > 1 && single.length > 0)
  const names = Object.keys(cells[0].samples).filter((name) => peers[name].mostThreads > 1)
  const wall = (runs) => median(runs.map(({ wallMs }) => wallMs))
  const rows = several.map(({ network, batch, threads, samples }) => {
    const alone = single.find((cell) => cell.network === network && cell.batch === batch).samples
    return [`${network} b${batch} t${threads}`, ...names.map((name) => `${(wall(alone[name]) / wall(samples[name])).toFixed(2)}x`)]
  })
  return { title: 'wall time of one thread over that of several', rows: rows.length > 0 ? [['network', ...names], ...rows] : [] }
}

function startTable(cold) {
  const names = [...new Set(cold.map(({ peer }) => peer))]
  const rows = [...new Set(cold.map(({ network }) => network))].map((network) => [network, ...names.map((name) => {
    const { startMs, cpuMs, memoryMB } = cold.find((each) => each.network === network && each.peer === name)
    return `${startMs.toFixed(0)} / ${cpuMs.toFixed(0)} / ${memoryMB.toFixed(0)}`
  })])
  return { title: 'from spawn to the first answer: wall ms / CPU ms / peak resident MB', rows: rows.length > 0 ? [['network', ...names], ...rows] : [] }
}

function packageTable(cells) {
  const rows = Object.keys(cells[0].samples).map((name) => {
    const { packageBytes, binaryBytes } = sizesOf(name)
    return [name, megabytes(packageBytes), ...(binaryBytes ? [megabytes(binaryBytes)] : [])]
  })
  return { title: 'packages on disk, and the binary that is loaded', rows }
}

function moduleTable(networks) {
  const rows = Object.entries(networks).map(([name, { moduleBytes, weightBytes }]) => [name, `${(moduleBytes / 1024).toFixed(1)} KB`, megabytes(weightBytes)])
  return { title: 'Millrace\'s module (plain SIMD, batch 1), and the weights', rows }
}

function geometricMean(list) {
  return Math.exp(list.reduce((sum, value) => sum + Math.log(value), 0) / list.length)
}

function megabytes(bytes) {
  return `${(bytes / 1e6).toFixed(2)} MB`
}

function line([first, ...rest]) {
  return `  ${first.padEnd(16)}${rest.map((each) => each.padStart(24)).join('')}`.trimEnd()
}
