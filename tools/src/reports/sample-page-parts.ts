// The style and the script of the page of samples; what they act on is written by sample-page.ts.

/** Boxes show on hover and focus; where there is no hover, and on paper, always. */
export const pageStyle = `
body { max-width: 1760px }
#filters { position: sticky; top: 0; z-index: 2; display: flex; flex-wrap: wrap; gap: 8px 20px; align-items: center; margin: 12px 0; padding: 10px 0; background: var(--paper); border-bottom: 1px solid var(--line) }
#filters label { display: flex; gap: 6px; align-items: center }
select { max-width: 260px; font: inherit; padding: 3px 6px; background: var(--card); color: inherit; border: 1px solid var(--line); border-radius: 6px }
output { margin-left: auto; color: var(--faint) }
main { --zoom: 1; display: grid; gap: 16px; justify-content: start; grid-template-columns: repeat(auto-fill, min(100%, calc(320px * var(--zoom) + 24px))) }
.card { margin: 0; padding: 12px; background: var(--card); border-radius: 10px }
.card[hidden] { display: none }
.photo { display: grid; place-items: center; min-height: calc(120px * var(--zoom)) }
.frame { position: relative; width: min(100%, calc(var(--w) * var(--zoom))) }
.frame img { display: block; width: 100%; height: 100%; border-radius: 2px }
.boxes { position: absolute; inset: 0; visibility: hidden }
.card:hover .boxes, .card:focus-within .boxes, .card:focus .boxes, .always .boxes { visibility: visible }
@media (hover: none) { .boxes { visibility: visible } }
@media print { .boxes { visibility: visible } #filters { display: none } .card { break-inside: avoid } }
svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible }
rect { fill: transparent; stroke-width: 2px; vector-effect: non-scaling-stroke }
.halo { stroke: #000; stroke-opacity: .6; stroke-width: 4px }
.ignore rect { stroke-dasharray: 7 5 }
g:hover rect { stroke-width: 4px }
.tag { position: absolute; height: 17px; padding: 0 4px; font: 600 12px/17px system-ui, sans-serif; color: #000; white-space: nowrap; overflow: hidden; text-overflow: ellipsis; pointer-events: none }
.other { opacity: .25 }
figcaption { margin-top: 10px; overflow-wrap: anywhere }
.words { display: flex; flex-wrap: wrap; gap: 2px 14px; font-weight: 600 }
.words i { display: inline-block; width: 11px; height: 11px; margin-right: 5px; border-radius: 2px; border: 1px solid #0006 }
.words b { font-weight: 400; color: var(--faint) }
.key { font-size: 13px; color: var(--faint) }
.bad { color: var(--bad) }
`

/** Hides the cards that the filters leave out; pales the boxes of other classes. */
export const pageScript = `
const byId = (id) => document.getElementById(id)
const cards = [...document.querySelectorAll('.card')]
function show() {
  const wanted = byId('class').value, split = byId('split').value
  let shown = 0
  for (const card of cards) {
    const hasClass = wanted === '' || card.dataset.classes.split(' ').includes(wanted)
    card.hidden = !(hasClass && (split === '' || card.dataset.split === split))
    if (!card.hidden) shown++
    for (const mark of card.querySelectorAll('[data-class]')) mark.classList.toggle('other', wanted !== '' && mark.dataset.class !== wanted)
  }
  byId('shown').textContent = shown + ' shown'
}
byId('class').addEventListener('change', show)
byId('split').addEventListener('change', show)
byId('size').addEventListener('input', () => byId('cards').style.setProperty('--zoom', byId('size').value))
byId('boxes').addEventListener('change', () => byId('cards').classList.toggle('always', byId('boxes').checked))
byId('filters').addEventListener('submit', (event) => event.preventDefault())
show()
byId('boxes').dispatchEvent(new Event('change'))
`
