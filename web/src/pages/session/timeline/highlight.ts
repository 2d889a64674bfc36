// The highlighter is a chunk of its own: it is loaded when the first code block is drawn.
import { common, createLowlight } from 'lowlight'

const lowlight = createLowlight(common)

export type Piece = string | { classes: string; children: Piece[] }

type Node = ReturnType<typeof lowlight.highlight>['children'][number]

/** Code as nested pieces with highlight.js's classes; null where the language is not known. */
export const highlight = (language: string, code: string): Piece[] | null =>
  lowlight.registered(language) ? lowlight.highlight(language, code).children.flatMap(toPiece) : null

const toPiece = (node: Node): Piece[] => {
  if (node.type === 'text') return [node.value]
  if (node.type !== 'element') return []
  const classes = node.properties['className']
  return [{ classes: Array.isArray(classes) ? classes.join(' ') : '', children: node.children.flatMap((child) => toPiece(child as Node)) }]
}
