-- People's files go with their session at once, not with the next look through the store.
GRANT SELECT ("session_id") ON "download" TO longhaul_system;
