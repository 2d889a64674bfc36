import './code-block.css'
import { type ReactNode, useEffect, useMemo, useState } from 'react'
import type { Piece } from './highlight.ts'

type Highlight = typeof import('./highlight.ts').highlight

/** Longer code is shown plain: colouring it would take longer than a frame. */
const MAX_COLOURED = 20_000
let loaded: Highlight | null = null

/** Code, coloured once the highlighter is there. */
export const CodeBlock = ({ language, code }: { language: string; code: string }) => {
  const [highlight, setHighlight] = useState<Highlight | null>(() => loaded)
  useEffect(() => {
    if (highlight !== null) return
    void import('./highlight.ts').then((file) => {
      loaded = file.highlight
      setHighlight(() => file.highlight)
    })
  }, [highlight])
  const pieces = useMemo(() => (highlight && code.length <= MAX_COLOURED ? highlight(language, code) : null), [highlight, language, code])
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <pre className="code-block" tabIndex={0}>
      <code>{pieces ? draw(pieces) : code}</code>
    </pre>
  )
}

const draw = (pieces: Piece[]): ReactNode[] =>
  pieces.map((piece, at) =>
    typeof piece === 'string' ? (
      piece
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: pieces have no identity, and never move
      <span key={at} className={piece.classes}>
        {draw(piece.children)}
      </span>
    ),
  )

const LANGUAGES: Record<string, string> = {
  py: 'python',
  js: 'javascript',
  mjs: 'javascript',
  cjs: 'javascript',
  jsx: 'javascript',
  ts: 'typescript',
  tsx: 'typescript',
  sh: 'bash',
  md: 'markdown',
  yml: 'yaml',
  yaml: 'yaml',
  json: 'json',
  html: 'xml',
  xml: 'xml',
  svg: 'xml',
  css: 'css',
  go: 'go',
  rs: 'rust',
  rb: 'ruby',
  java: 'java',
  c: 'c',
  h: 'c',
  cpp: 'cpp',
  cs: 'csharp',
  php: 'php',
  sql: 'sql',
  toml: 'ini',
  ini: 'ini',
  kt: 'kotlin',
  swift: 'swift',
  lua: 'lua',
  r: 'r',
  pl: 'perl',
  graphql: 'graphql',
  diff: 'diff',
}

export const languageOf = (path: string): string => LANGUAGES[path.slice(path.lastIndexOf('.') + 1).toLowerCase()] ?? ''
