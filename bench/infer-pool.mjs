// What does a pool give? Images a second from 1 thread, 2, 4 … of one pool, the pools taking turns, and what a lone
// request costs beside a call of the model itself. Wall time: where a pool got fewer cores than it has threads, the
// machine had other work, and its figure says nothing of the pool.
//
//   npm run bench:infer-pool [-- --networks svhn,mobilenet --threads 1,2 --rounds 7]

import { availableParallelism, cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import { createModel, createPool } from '../infer/dist/index.js'
import { networks } from './infer/networks.mjs'
import { median } from './infer/report.mjs'
import { seededImages, seededWeights } from './infer/seeded.mjs'

const { values } = parseArgs({
  options: {
    networks: { type: 'string', default: 'svhn,mobilenet' },
    threads: { type: 'string', default: '1,2' },
    rounds: { type: 'string', default: '7' },
  },
})
const [batch, waiting, turnMs, loneRequests] = [1, 8, 800, 100]

console.log(`Node ${process.version}, ${availableParallelism()} x ${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}; medians of ${values.rounds} rounds`)
for (const name of values.networks.split(',')) await measure(name, networks[name]())

async function measure(name, graph) {
  const weights = seededWeights(graph)
  const input = seededImages(graph.input.shape, batch)
  const model = createModel(graph, weights, { batch })
  const pools = []
  for (const threads of values.threads.split(',').map(Number)) pools.push({ pool: await createPool({ graph, weights }, { threads, batch }), rates: [], cores: [] })
  for (let round = 0; round < Number(values.rounds); round++) for (const { pool, rates, cores } of pools) {
    const turn = await work(pool, input)
    rates.push(turn.imagesPerSecond)
    cores.push(turn.cores)
  }
  for (const { pool, rates, cores } of pools) {
    const gain = median(rates.map((rate, round) => rate / pools[0].rates[round]))
    console.log(`${name.padEnd(12)} ${pool.threads} threads: ${median(rates).toFixed(1)} images/s, ${gain.toFixed(2)}x, on ${median(cores).toFixed(2)} cores; ${(pool.memoryBytes / 1e6).toFixed(1)} MB`)
  }
  console.log(`${name.padEnd(12)} a lone request: ${await loneRequest(pools[0].pool, model, input)}`)
  for (const { pool } of pools) await pool.close()
}

/** With always some requests waiting. */
async function work(pool, input) {
  const [begin, usage] = [performance.now(), process.cpuUsage()]
  let images = 0
  await Promise.all(Array.from({ length: pool.threads + waiting }, async () => {
    while (performance.now() - begin < turnMs) {
      await pool.run(input, batch)
      images += batch
    }
  }))
  const [wallMs, { user, system }] = [performance.now() - begin, process.cpuUsage(usage)]
  return { imagesPerSecond: (images / wallMs) * 1000, cores: (user + system) / 1000 / wallMs }
}

/** One at a time, the pool and the model in turns. */
async function loneRequest(pool, model, input) {
  const times = { pool: [], model: [] }
  const timed = async (name, run) => {
    const begin = performance.now()
    await run()
    times[name].push(performance.now() - begin)
  }
  for (let request = 0; request < loneRequests; request++) {
    await timed('pool', () => pool.run(input, batch))
    await timed('model', () => model.run(input, batch))
  }
  return `${median(times.pool).toFixed(2)} ms, the model itself ${median(times.model).toFixed(2)} ms; shortest ${Math.min(...times.pool).toFixed(2)} and ${Math.min(...times.model).toFixed(2)} ms`
}
