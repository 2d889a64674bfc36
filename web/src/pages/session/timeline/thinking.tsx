/** What a model thought before it spoke: folded to its first words. */
export const Thinking = ({ text, open, onToggle }: { text: string; open: boolean; onToggle: () => void }) => (
  <div className="thinking">
    <button type="button" className="fold" aria-expanded={open} onClick={onToggle}>
      <span className="fold-name">thinking</span>
      <span className="fold-summary quiet">{open ? '' : text.slice(0, 200)}</span>
    </button>
    {open && <div className="thinking-text">{text}</div>}
  </div>
)
