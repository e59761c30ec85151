// The report's script: draws the curves that page.ts has written into #data.
// Runs in a browser, so it is plain JavaScript; uPlot is a global by then.
;(() => {
  const { runs } = JSON.parse(document.getElementById('data').textContent)
  const HEIGHT = 240
  const COLOURS = 8

  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim()
  const deviceColour = (index) => colour(`--c${index % COLOURS}`)

  /** Charts that have to be drawn anew when the theme changes, since a canvas keeps its colours. */
  const drawn = []

  function axis(label, size) {
    const grid = { stroke: colour('--line'), width: 1 }
    return { label, stroke: colour('--quiet'), grid, ticks: grid, size, labelSize: 18 }
  }

  /** Vertical lines where a fault or a new generation happened. */
  function markPlugin(marks) {
    const shown = marks.filter(({ kind, at }) => kind !== 'quotas' && at > 0)
    const drawMarks = (chart) => {
      const { ctx, bbox } = chart
      ctx.save()
      ctx.setLineDash([4, 4])
      for (const { at, kind } of shown) {
        const x = chart.valToPos(at, 'x', true)
        ctx.strokeStyle = colour(kind === 'fault' ? '--fault' : '--event')
        ctx.beginPath()
        ctx.moveTo(x, bbox.top)
        ctx.lineTo(x, bbox.top + bbox.height)
        ctx.stroke()
      }
      ctx.restore()
    }
    return { hooks: { draw: drawMarks } }
  }

  function smooth(values) {
    let mean = values[0]
    return values.map((value) => (mean += 0.1 * (value - mean)))
  }

  const fixed = (digits) => (_, value) => (value == null ? '–' : value.toFixed(digits))

  function lines(names, digits, colours = names.map((_, index) => deviceColour(index))) {
    return names.map((label, index) => ({
      label,
      stroke: colours[index],
      width: 1.5,
      value: fixed(digits),
      points: { show: false },
    }))
  }

  function stepped(series) {
    return series.map((one) => ({ ...one, paths: uPlot.paths.stepped({ align: -1 }) }))
  }

  /** What is drawn of a run: caption, unit, series and their values. */
  function chartsOf({ steps, loss, stepMs, communicationShare, devices }) {
    const names = devices.map(({ name }) => name)
    const share = communicationShare.map((value) => value * 100)
    return [
      {
        caption: 'Loss: mean cross-entropy of a step, and smoothed',
        unit: 'nats',
        series: lines(['each step', 'smoothed'], 3, [colour('--line'), colour('--c0')]),
        values: [loss, smooth(loss)],
      },
      {
        caption: 'Quotas: samples of a step that each device takes',
        unit: 'samples',
        series: stepped(lines(names, 0)),
        values: devices.map(({ quota }) => quota),
      },
      {
        caption: 'Time of a step, and compute of each device in it',
        unit: 'ms',
        series: [...lines(['whole step'], 1, [colour('--quiet')]), ...lines(names, 1)],
        values: [stepMs, ...devices.map(({ computeMs }) => computeMs)],
      },
      {
        caption: 'Communication: share of a step after its slowest compute',
        unit: '%',
        series: lines(['each step', 'smoothed'], 1, [colour('--line'), colour('--c5')]),
        values: [share, smooth(share)],
      },
    ].map((chart) => ({ ...chart, values: [steps, ...chart.values] }))
  }

  function draw(place, { caption, unit, series, values }, marks) {
    const figure = document.createElement('figure')
    const title = document.createElement('figcaption')
    title.textContent = caption
    figure.append(title)
    place.append(figure)
    const options = {
      width: figure.clientWidth,
      height: HEIGHT,
      scales: {
        x: { time: false },
        y: { range: { min: { pad: 0.1, soft: 0, mode: 1 }, max: { pad: 0.1 } } },
      },
      axes: [axis('committed steps', 32), axis(unit, 56)],
      series: [{ label: 'step' }, ...series],
      plugins: [markPlugin(marks)],
    }
    drawn.push({ chart: new uPlot(options, values, figure), figure })
  }

  function drawAll() {
    for (const { chart, figure } of drawn.splice(0)) {
      chart.destroy()
      figure.remove()
    }
    for (const section of document.querySelectorAll('.run')) {
      const { curves, marks } = runs[Number(section.dataset.run)]
      const place = section.querySelector('.charts')
      if (curves.steps.length === 0) continue
      for (const chart of chartsOf(curves)) draw(place, chart, marks)
    }
  }

  drawAll()
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', drawAll)
  addEventListener('resize', () => {
    for (const { chart, figure } of drawn)
      chart.setSize({ width: figure.clientWidth, height: HEIGHT })
  })
})()
