/** "80, 100" → [80, 100]. What is no number at all the form's pattern has refused. */
export const parsePercents = (text: string): number[] =>
  text
    .split(/[\s,]+/)
    .filter(Boolean)
    .map(Number)
