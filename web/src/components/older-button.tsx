import type { Pages } from '../api/use-pages.ts'
import { Button } from './button.tsx'

/** What follows on the next page of a list, where there is one. */
export const OlderButton = ({ pages, children }: { pages: Pages<unknown>; children: string }) =>
  pages.hasMore ? (
    <div>
      <Button busy={pages.loading} onClick={pages.loadMore}>
        {children}
      </Button>
    </div>
  ) : null
