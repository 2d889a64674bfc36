-- The sweep tells a call of the claim that stands from one that its own worker lost with an earlier claim.
GRANT SELECT ("epoch") ON "reservation" TO longhaul_system;
