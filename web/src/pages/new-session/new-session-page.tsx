import { PageHead } from '../../components/page-head.tsx'

export const NewSessionPage = () => (
  <div className="page">
    <PageHead title="New session" />
  </div>
)
