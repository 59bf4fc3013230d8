// The networks by the names that the command line takes. A new one is a file here and a line below.

import type { Graph } from '@millrace/infer'
import { TrainError } from '../errors.js'
import { svhnDigits } from './svhn-digits.js'

/** Name → what it is, and the untrained graph. */
export const networks: Readonly<Record<string, { readonly about: string; readonly create: () => Graph }>> = {
  'svhn-digits': { about: 'house numbers of up to 5 digits, 32x32 grey, 0.3 million weights', create: () => svhnDigits() },
  'svhn-digits-published': { about: 'the same after Goodfellow et al. 2014, 54x54 RGB', create: () => svhnDigits({ size: 'published' }) },
  'svhn-digits-linear': { about: 'logistic regression on its pixels, a baseline', create: () => svhnDigits({ size: 'linear' }) },
}

/** @throws TrainError TRAIN_NETWORK_UNKNOWN listing the names there are. */
export function createNetwork(name: string): Graph {
  const network = Object.hasOwn(networks, name) ? networks[name] : undefined
  if (!network) throw new TrainError('TRAIN_NETWORK_UNKNOWN', `there is no network "${name}"; choose one of ${Object.keys(networks).join(', ')}`)
  return network.create()
}
