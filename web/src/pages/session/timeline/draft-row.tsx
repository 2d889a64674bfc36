import type { Draft } from '../log/draft.ts'
import { TurnHead } from './answer-row.tsx'
import { Markdown } from './markdown.tsx'

/** Of a long thought or a tool's input only the end is of interest while it comes. */
const TAIL = 300

/** The answer that is coming. */
export const DraftRow = ({ draft }: { draft: Draft }) => (
  <article className="answer draft">
    <TurnHead>
      <span className="pill" data-tone="busy">
        {draft.attempt > 1 ? `speaking, attempt ${draft.attempt}` : 'speaking'}
      </span>
    </TurnHead>
    {draft.blocks.map(({ block, kind, text }) =>
      kind === 'TEXT' ? (
        <Markdown key={block} text={text} />
      ) : (
        <div key={block} className="draft-aside">
          <span className="fold-name">{kind === 'THINKING' ? 'thinking' : 'tool call'}</span>
          <span className={kind === 'THINKING' ? 'quiet' : 'quiet mono'}>{text.slice(-TAIL)}</span>
        </div>
      ),
    )}
  </article>
)
