/** How many rows' heights are summed up in one number. */
const BLOCK = 256

/**
 * Heights of a list's rows, of any number. What changes while one scrolls costs a few hundred steps: a row's height, where a row stands,
 * which row stands at a place. Half a pixel off here is half a pixel on the screen, so heights are as fractional as the screen's.
 */
export type RowHeights = {
  count(): number
  total(): number
  /** Rows beyond are forgotten; new ones are as high as `estimate` says. */
  setCount(count: number, estimate: (index: number) => number): void
  set(index: number, height: number): void
  /** Where a row begins; that of the row after the last is the total. */
  topOf(index: number): number
  /** The row that stands there; the first or the last where none does. */
  indexAt(top: number): number
}

export const createRowHeights = (): RowHeights => {
  const heights: number[] = []
  const sums: number[] = []
  let total = 0

  const add = (index: number, difference: number) => {
    const block = Math.floor(index / BLOCK)
    sums[block] = (sums[block] ?? 0) + difference
    total += difference
  }

  return {
    count: () => heights.length,
    total: () => total,
    setCount: (count, estimate) => {
      while (heights.length > count) add(heights.length - 1, -(heights.pop() ?? 0))
      while (heights.length < count) {
        const height = estimate(heights.length)
        heights.push(height)
        add(heights.length - 1, height)
      }
    },
    set: (index, height) => {
      const old = heights[index]
      if (old === undefined || old === height) return
      heights[index] = height
      add(index, height - old)
    },
    topOf: (index) => {
      const block = Math.floor(index / BLOCK)
      let top = 0
      for (let at = 0; at < block; at++) top += sums[at] ?? 0
      for (let at = block * BLOCK; at < index; at++) top += heights[at] ?? 0
      return top
    },
    indexAt: (top) => {
      let block = 0
      let left = top
      while (block < sums.length - 1 && left >= (sums[block] ?? 0)) left -= sums[block++] ?? 0
      let index = block * BLOCK
      while (index < heights.length - 1 && left >= (heights[index] ?? 0)) left -= heights[index++] ?? 0
      return index
    },
  }
}
