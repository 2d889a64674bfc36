import { describeTenancy } from './tenancy.contract.ts'

// The application alone must hold, should the database's own guard ever be off.
describeTenancy({ rowSecurity: false })
