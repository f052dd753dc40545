/** Gauss–Legendre quadrature on [0, 1]: nodes and weights by Newton's method on the Legendre polynomial. */
export function legendre(count: number): { nodes: number[]; weights: number[] } {
  const nodes: number[] = []
  const weights: number[] = []
  for (let i = 0; i < count; i++) {
    let x = Math.cos((Math.PI * (i + 0.75)) / (count + 0.5))
    let derivative = 0
    for (let iteration = 0; iteration < 100; iteration++) {
      let previous = 1
      let value = x
      for (let n = 2; n <= count; n++) {
        const next = ((2 * n - 1) * x * value - (n - 1) * previous) / n
        previous = value
        value = next
      }
      derivative = (count * (x * value - previous)) / (x * x - 1)
      const step = value / derivative
      x -= step
      if (Math.abs(step) < 1e-16) break
    }
    nodes.push((x + 1) / 2)
    weights.push(1 / ((1 - x * x) * derivative * derivative))
  }
  return { nodes, weights }
}
