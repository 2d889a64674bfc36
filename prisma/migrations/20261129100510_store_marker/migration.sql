-- Which snapshot store is this installation's: the one that holds these bytes. One row.
CREATE TABLE "store_marker" (
    "id" BOOLEAN NOT NULL DEFAULT true,
    "content_hash" TEXT NOT NULL,
    "text" TEXT NOT NULL,
    "placed" BOOLEAN NOT NULL DEFAULT false,

    CONSTRAINT "store_marker_pkey" PRIMARY KEY ("id"),
    CONSTRAINT "store_marker_one" CHECK ("id")
);

GRANT SELECT ON "store_marker" TO longhaul_app;
GRANT SELECT, INSERT, UPDATE ("placed") ON "store_marker" TO longhaul_system;
