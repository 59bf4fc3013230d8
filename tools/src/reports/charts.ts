// Charts as SVG text, drawn by ECharts without a browser. Texts and lines have the two colours below, which
// the page's style turns into those of the light or dark theme (SVG attributes give way to CSS).

import { BarChart, HeatmapChart } from 'echarts/charts'
import { GridComponent, VisualMapComponent } from 'echarts/components'
import { init, use, type EChartsCoreOption } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'

use([BarChart, HeatmapChart, GridComponent, VisualMapComponent, SVGRenderer])

export const chartInk = '#5d6068'
export const chartLine = '#d9d9d4'
const barColour = '#4b86d6'

export interface Bars {
  readonly names: readonly string[]
  readonly values: readonly number[]
  readonly xName?: string
  readonly yName?: string
  /** Counts by powers of ten. Default false. */
  readonly isLogarithmic?: boolean
  /** Names on the left, bars to the right. Default false. */
  readonly isHorizontal?: boolean
  readonly width?: number
  readonly height?: number
}

export interface HeatMap {
  readonly xNames: readonly string[]
  readonly yNames: readonly string[]
  readonly cells: readonly { readonly x: number; readonly y: number; readonly count: number }[]
  readonly xName: string
  readonly yName: string
  readonly width?: number
  readonly height?: number
}

const axisText = { color: chartInk, fontSize: 12, fontFamily: 'system-ui, sans-serif' } as const
const quiet = { silent: true, emphasis: { disabled: true } } as const

export function drawBars({ names, values, xName, yName, isLogarithmic = false, isHorizontal = false, width = 640, height = 300 }: Bars): string {
  const categories = {
    type: 'category', data: names, ...axisOf(isHorizontal ? undefined : xName), axisTick: { show: false }, inverse: isHorizontal,
    ...(isHorizontal && { axisLabel: { ...axisText, interval: 0, width: 170, overflow: 'truncate' } }),
  }
  // on a logarithmic axis a bar begins at ½, so that a count of 1 is seen
  const figures = { ...(isLogarithmic ? { type: 'log', min: 0.5, startValue: 0.5, logBase: 10 } : { type: 'value', minInterval: 1 }), ...axisOf(isHorizontal ? undefined : yName), axisLabel: { ...axisText, ...(isLogarithmic && { formatter: (value: number) => (value < 1 ? '' : shortNumber(value)) }), ...(!isLogarithmic && { formatter: shortNumber }) } }
  const label = { show: isHorizontal || names.length <= 14, position: isHorizontal ? 'right' : 'top', ...axisText, textBorderWidth: 0, formatter: ({ dataIndex }: { dataIndex: number }) => shortNumber(values[dataIndex]!) }
  const data = values.map((value) => (isLogarithmic && value === 0 ? null : value))
  return render(width, height, {
    grid: gridOf(isHorizontal ? { left: 8, right: 56, top: 6, bottom: 6 } : { left: 24, right: 16, top: 28, bottom: 30 }),
    xAxis: isHorizontal ? figures : categories,
    yAxis: isHorizontal ? categories : figures,
    series: [{ type: 'bar', data, label, itemStyle: { color: barColour }, barCategoryGap: names.length > 30 ? '4%' : '20%', ...quiet }],
  })
}

/** Counts as colours, by powers of ten. */
export function drawHeatMap({ xNames, yNames, cells, xName, yName, width = 640, height = 480 }: HeatMap): string {
  const most = Math.max(...cells.map(({ count }) => count))
  const isLabelled = cells.length <= 80 && xNames.length <= 14
  const axis = (data: readonly string[], name: string): object => ({ type: 'category', data, ...axisOf(name), axisTick: { show: false }, splitLine: { show: true, lineStyle: { color: chartLine } } })
  return render(width, height, {
    grid: gridOf({ left: 24, right: 76, top: 28, bottom: 30 }),
    xAxis: axis(xNames, xName),
    yAxis: axis(yNames, yName),
    visualMap: {
      type: 'continuous', min: 0, max: Math.max(Math.log10(most), 0.1), dimension: 2, calculable: false, hoverLink: false, silent: true, orient: 'vertical', right: 6, top: 'middle', itemHeight: 140, itemWidth: 14,
      text: [shortNumber(most), '1'], textStyle: axisText, inRange: { color: ['#cfe0f7', '#6ea3e4', '#1f58a8'] },
    },
    series: [{
      type: 'heatmap', data: cells.map(({ x, y, count }) => [x, y, Math.log10(count), count]), ...quiet,
      label: { show: isLabelled, color: '#111111', textBorderWidth: 0, fontSize: 11, fontFamily: 'system-ui, sans-serif', formatter: ({ data }: { data: number[] }) => shortNumber(data[3]!) },
    }],
  })
}

/** 1234567 → 1.2M */
export function shortNumber(value: number): string {
  return value.toLocaleString('en', { notation: Math.abs(value) >= 10_000 ? 'compact' : 'standard', maximumSignificantDigits: Math.abs(value) >= 10_000 ? 3 : 4 })
}

function axisOf(name: string | undefined): object {
  return {
    silent: true,
    ...(name !== undefined && { name, nameLocation: 'middle', nameGap: 30, nameTextStyle: axisText, nameMoveOverlap: true }),
    axisLabel: axisText, axisLine: { lineStyle: { color: chartInk } }, splitLine: { lineStyle: { color: chartLine } }, minorSplitLine: { show: false },
  }
}

function gridOf(edges: object): object {
  return { ...edges, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' }
}

function render(width: number, height: number, option: EChartsCoreOption): string {
  const chart = init(null, null, { renderer: 'svg', ssr: true, width, height })
  try {
    chart.setOption({ animation: false, backgroundColor: 'transparent', ...option })
    // without what is for a script to act on: hover styles, numbers of series (quotes in texts are escaped)
    return chart.renderToSVGString().replace(/<style[^]*?<\/style>/g, '').replace(/ (?:class|ecmeta_\w+)="[^"]*"/g, '')
  } finally {
    chart.dispose()
  }
}
