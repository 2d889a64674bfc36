import { describeTenancy } from './tenancy.contract.ts'

describeTenancy({ rowSecurity: true })
