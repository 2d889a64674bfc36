import './markdown.css'
import { memo } from 'react'
import ReactMarkdown, { type Components } from 'react-markdown'
import remarkGfm from 'remark-gfm'
import { CodeBlock } from './code-block.tsx'
import { isPlain } from './is-plain.ts'

/** Longer text is shown as it is: to parse it would take longer than a frame. */
const MAX_PARSED = 20_000

const COMPONENTS: Components = {
  // A link is shown with where it leads, opened by a person only, and tells the other side nothing.
  a: ({ href, children }) =>
    href ? (
      <a href={href} title={href} target="_blank" rel="noopener noreferrer nofollow">
        {children}
      </a>
    ) : (
      <span>{children}</span>
    ),
  // A picture would be a request to wherever the agent says.
  img: ({ src, alt }) => (
    <span className="quiet">
      [picture: {alt || 'without a name'}, {String(src ?? '')}]
    </span>
  ),
  pre: ({ children }) => <>{children}</>,
  code: ({ className, children }) => {
    const code = String(children ?? '')
    const language = /language-(\S+)/.exec(className ?? '')?.[1]
    return language !== undefined || code.includes('\n') ? (
      <CodeBlock language={language ?? ''} code={code.replace(/\n$/, '')} />
    ) : (
      <code className="markdown-code">{code}</code>
    )
  },
  input: ({ checked }) => <span>{checked ? '☑' : '☐'} </span>,
  table: ({ children }) => (
    <div className="table-wrap">
      <table className="table">{children}</table>
    </div>
  ),
}

/** Headings inside an agent's words are none of the page's. */
for (const level of ['h1', 'h2', 'h3', 'h4', 'h5', 'h6'] as const)
  COMPONENTS[level] = ({ children }) => <p className="markdown-heading">{children}</p>

/** What an agent wrote, as markdown in which HTML is text. */
export const Markdown = memo(({ text }: { text: string }) =>
  text.length > MAX_PARSED ? (
    <div className="markdown markdown-plain">{text}</div>
  ) : (
    <div className="markdown">{isPlain(text) ? <p>{text}</p> : <Parsed text={text} />}</div>
  ),
)

const Parsed = ({ text }: { text: string }) => (
  <ReactMarkdown remarkPlugins={[remarkGfm]} components={COMPONENTS}>
    {text}
  </ReactMarkdown>
)
